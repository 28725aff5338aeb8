"""Guessing is slowed down, per account and per address, and nobody is locked out by what others do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.db import connection
from django.test import Client
from django.utils import timezone

from mirrors.errors import TooManyAttempts
from mirrors.models import SignInFailures, User
from mirrors.services.accounts import sign_in
from mirrors.services.accounts.sign_in_throttle import (
    ACCOUNT,
    ACCOUNT_HERE,
    ADDRESS,
    QUIET,
    Attempt,
    forget_old_attempts,
)
from mirrors.services.logs.log_entries import acting
from tests.fixtures.domain import PASSWORD

pytestmark = pytest.mark.django_db
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.9"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until it is shifted."""
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


def attempt(username: str = "owner", password: str = "wrong", *, address: str = ELSEWHERE) -> bool:
    """Whether it signed in; raises TooManyAttempts."""
    with acting(None, ip=address):
        return authenticate(username=username, password=password) is not None


def pause_after(failures: int, *, username: str = "owner", address: str = ELSEWHERE) -> int:
    """Seconds to wait after so many failures, 0 for none; the clock does not move, so pauses are walked through."""
    for _ in range(failures):
        assert not attempt(username, address=address)
    try:
        attempt(username, address=address)
    except TooManyAttempts as error:
        return error.retry_after
    return 0


def test_some_failures_are_free(owner: User) -> None:
    assert pause_after(ACCOUNT_HERE.free - 1) == 0


def test_then_even_the_right_password_has_to_wait(owner: User, clock: time_machine.Traveller) -> None:
    assert pause_after(ACCOUNT_HERE.free) == 1
    with pytest.raises(TooManyAttempts, match=r"Signing in has failed too often. Try again in 1 second\."):
        attempt(password=PASSWORD)
    clock.shift(1)
    assert attempt(password=PASSWORD)


def test_each_further_failure_doubles_the_pause_up_to_a_bound(owner: User, clock: time_machine.Traveller) -> None:
    assert pause_after(ACCOUNT_HERE.free) == 1
    pauses = []
    for _ in range(8):
        clock.shift(60)
        attempt()
        with pytest.raises(TooManyAttempts) as refusal:
            attempt()
        pauses.append(refusal.value.retry_after)
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]


def test_a_right_password_forgets_the_failures(owner: User) -> None:
    for _ in range(2):
        for _ in range(ACCOUNT_HERE.free - 1):
            assert not attempt()
        assert attempt(password=PASSWORD)


def test_time_forgets_them_too(owner: User, clock: time_machine.Traveller) -> None:
    assert pause_after(ACCOUNT_HERE.free) == 1
    clock.shift(QUIET + timedelta(seconds=1))
    assert pause_after(ACCOUNT_HERE.free - 1) == 0


def test_unknown_names_are_slowed_down_alike_so_that_nobody_learns_which_exist(owner: User) -> None:
    assert pause_after(ACCOUNT_HERE.free, username="nobody") == pause_after(ACCOUNT_HERE.free, username="owner")


def test_a_strangers_guesses_do_not_slow_down_the_owner_elsewhere(owner: User) -> None:
    assert pause_after(ACCOUNT_HERE.free) == 1
    assert attempt(password=PASSWORD, address=HOME)


def test_one_address_that_tries_many_names_is_slowed_down(owner: User) -> None:
    for number in range(ADDRESS.free):
        attempt(f"name{number}")
    with pytest.raises(TooManyAttempts):
        attempt("another")
    assert not attempt("another", address=HOME)


def test_the_addresses_of_one_ipv6_network_count_as_one(owner: User) -> None:
    for number in range(ADDRESS.free):
        attempt(f"name{number}", address=f"2001:db8:0:1::{number:x}")
    with pytest.raises(TooManyAttempts):
        attempt("another", address="2001:db8:0:1:ffff::1")
    assert not attempt("another", address="2001:db8:0:2::1")


def test_an_ipv4_address_in_ipv6_is_that_address(owner: User) -> None:
    assert pause_after(ACCOUNT_HERE.free, address=f"::ffff:{HOME}") == 1
    with pytest.raises(TooManyAttempts):
        attempt(address=HOME)
    assert not attempt(address="::ffff:198.51.100.7")


def test_a_right_password_of_ones_own_does_not_pay_for_guesses_at_others(owner: User, stranger: User) -> None:
    for number in range(ADDRESS.free - 1):
        attempt(f"name{number}")
    assert attempt("stranger", PASSWORD)
    attempt("another")
    with pytest.raises(TooManyAttempts):
        attempt("another")


def test_guesses_from_many_addresses_slow_down_new_addresses_but_not_known_ones(owner: User) -> None:
    assert attempt(password=PASSWORD, address=HOME)
    for number in range(ACCOUNT.free):
        attempt(address=f"203.0.113.{number}")
    with pytest.raises(TooManyAttempts) as refusal:
        attempt(password=PASSWORD, address="203.0.113.200")
    assert refusal.value.retry_after <= ACCOUNT.longest
    assert attempt(password=PASSWORD, address=HOME)


def test_who_shares_an_address_with_a_guesser_goes_on_signing_in_there(owner: User) -> None:
    assert attempt(password=PASSWORD)
    for number in range(ADDRESS.free):
        attempt(f"name{number}")
    with pytest.raises(TooManyAttempts):
        attempt("another")
    assert attempt(password=PASSWORD)


def test_what_is_kept_does_not_show_the_names_that_were_typed(owner: User) -> None:
    attempt("my-secret-password")
    rows = list(SignInFailures.objects.all())
    assert len(rows) == 3
    assert "my-secret" not in str([row.subject for row in rows])


def test_what_slows_nobody_down_any_more_is_deleted(owner: User, clock: time_machine.Traveller) -> None:
    attempt()
    attempt(password=PASSWORD, address=HOME)
    assert forget_old_attempts() == 0
    clock.shift(QUIET + timedelta(seconds=1))
    assert forget_old_attempts() == 3
    clock.shift(timedelta(days=91))
    assert forget_old_attempts() == 1


def test_sessions_that_are_over_are_deleted(owner: User, clock: time_machine.Traveller) -> None:
    Client().force_login(owner)
    assert sign_in.forget_old_sessions() == 0
    clock.shift(timedelta(days=15))
    assert sign_in.forget_old_sessions() == 1


@pytest.mark.django_db(transaction=True)
def test_failures_that_come_at_once_are_all_counted(owner: User) -> None:
    def fail() -> None:
        try:
            Attempt("owner", address=HOME).failed()
        finally:
            connection.close()

    threads = [threading.Thread(target=fail) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(SignInFailures.objects.values_list("count", flat=True)) == [8, 8, 8]
