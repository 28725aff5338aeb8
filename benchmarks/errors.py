"""What ends a call of the benchmarks, in a sentence."""


class NotMeasurable(Exception):
    """Something that measuring needs is not there, or has failed."""


class WrongCopy(NotMeasurable):
    """A tool has not done what it was timed for."""
