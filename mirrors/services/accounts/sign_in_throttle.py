"""Slows down whoever guesses passwords, without locking anyone out.

Failures are counted in the database, so that all processes know of them, for three subjects: an account from one
address, an address, and an account from anywhere; all addresses of an IPv6 /64 count as one. Each subject has some
failures free; from then on every further one asks for a pause twice as long, up to a bound. Failures are forgotten
QUIET after the last. Where an account has signed in before, only failures of that very account from that very address
slow it down. See docs/decisions.md.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.crypto import salted_hmac

from mirrors.errors import TooManyAttempts
from mirrors.models import SignInFailures

QUIET = timedelta(minutes=15)
KNOWN_FOR = timedelta(days=90)
SUCCESS_IS_NOTED_EVERY = timedelta(days=1)


@dataclass(frozen=True)
class _Limit:
    """free: failures without consequence. longest: seconds that a pause lasts at most."""

    free: int
    longest: int

    def pause(self, count: int) -> timedelta:
        exponent = min(count - self.free, 16)
        return timedelta(seconds=min(2**exponent, self.longest)) if exponent >= 0 else timedelta(0)


ACCOUNT_HERE = _Limit(free=5, longest=60)
ADDRESS = _Limit(free=30, longest=60)
ACCOUNT = _Limit(free=50, longest=30)


class Attempt:
    """One look at a password: `check` before it, then `failed` or `succeeded`."""

    def __init__(self, username: str, *, address: str) -> None:
        address = _whose(address)
        self._account = _subject("account", username)
        self._here = _subject("account and address", username, address)
        self._limits = {self._account: ACCOUNT, self._here: ACCOUNT_HERE}
        if address:
            self._limits[_subject("address", address)] = ADDRESS
        self._known: dict[str, SignInFailures] = {}

    def check(self) -> None:
        """Raise TooManyAttempts while there is a pause."""
        now = timezone.now()
        self._known = SignInFailures.objects.in_bulk(list(self._limits))
        here = self._known.get(self._here)
        is_known_here = bool(here and here.succeeded_at and here.succeeded_at > now - KNOWN_FOR)
        ends = [
            _end_of_pause(row, limit=self._limits[subject])
            for subject, row in self._known.items()
            if subject == self._here or not is_known_here
        ]
        wait = max((end - now for end in ends if end), default=timedelta(0))
        if wait > timedelta(0):
            raise TooManyAttempts(math.ceil(wait.total_seconds()))

    @transaction.atomic
    def failed(self) -> None:
        """Count it for all three, also where two are counted at once."""
        now = timezone.now()
        SignInFailures.objects.bulk_create(
            [SignInFailures(subject=subject) for subject in self._limits if subject not in self._known],
            ignore_conflicts=True,
        )
        is_recent = Q(failed_at__gt=now - QUIET)
        # In the order of their keys, so that two attempts cannot wait for each other.
        for subject in sorted(self._limits):
            SignInFailures.objects.filter(subject=subject).update(
                count=Case(When(is_recent, then=F("count") + 1), default=Value(1)), failed_at=now
            )

    def succeeded(self) -> None:
        """Forget the account's failures, not the address's: else an account of one's own would pay for guesses."""
        now = timezone.now()
        counted = [subject for subject in (self._account, self._here) if _count(self._known.get(subject))]
        if counted:
            SignInFailures.objects.filter(subject__in=counted).update(count=0)
        here = self._known.get(self._here)
        if here is None or here.succeeded_at is None or here.succeeded_at < now - SUCCESS_IS_NOTED_EVERY:
            SignInFailures.objects.update_or_create(
                subject=self._here, defaults={"count": 0, "failed_at": None, "succeeded_at": now}
            )


def forget_old_attempts() -> int:
    """Delete what slows nobody down any more; gives how many rows."""
    now = timezone.now()
    rows = SignInFailures.objects.filter(
        Q(failed_at=None) | Q(failed_at__lt=now - QUIET),
        Q(succeeded_at=None) | Q(succeeded_at__lt=now - KNOWN_FOR),
    )
    return rows.delete()[0]


def _whose(address: str) -> str:
    """What one customer of a network has: an IPv4 address, or all of an IPv6 network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


def _subject(*words: str) -> str:
    return salted_hmac("mirrors.sign_in_throttle", "\0".join(words), algorithm="sha256").hexdigest()


def _count(row: SignInFailures | None) -> int:
    return row.count if row else 0


def _end_of_pause(row: SignInFailures, *, limit: _Limit) -> datetime | None:
    if row.failed_at is None or row.failed_at <= timezone.now() - QUIET:
        return None
    return row.failed_at + limit.pause(row.count)
