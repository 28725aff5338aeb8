"""Use cases, named by noun."""
