"""Calls that take long leave a process threads for all others, whatever kinds of them come together."""

from __future__ import annotations

import pytest

from mirrors.api.errors import Busy
from mirrors.api.seats import IN_ALL, Seats


def test_all_kinds_together_get_no_more_than_their_share_of_the_threads() -> None:
    streams, questions = Seats(4, what="streams", retry_after=10), Seats(4, what="questions", retry_after=5)
    for _ in range(4):
        streams.take()
    with pytest.raises(Busy, match="4 streams are under way already"):
        streams.take()
    for _ in range(IN_ALL - 4):
        questions.take()
    with pytest.raises(Busy, match=f"{IN_ALL} calls that take long are under way already"):
        questions.take()

    streams.give_back()
    with questions.taken(), pytest.raises(Busy, match=f"{IN_ALL} calls"):
        streams.take()

    for _ in range(3):
        streams.give_back()
    for _ in range(IN_ALL - 4):
        questions.give_back()
    assert [streams.take() for _ in range(4)] == [None] * 4
    for _ in range(4):
        streams.give_back()
