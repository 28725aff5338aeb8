"""Keeps the lease of a running sync, in a thread of its own so that nothing the copy does can starve it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction

from mirrors.models import Sync
from mirrors.services.syncs.host_pauses import exchange_pauses
from mirrors.services.syncs.sync_records import SyncRecords

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.5  # live counters reach the database at most twice a second
CANCEL_CHECK_SECONDS = 1.5  # a cancel must have stopped the copy within five


class Verdict(StrEnum):
    """Why a copy was stopped from outside."""

    CANCELLED = "cancelled"
    LOST = "lost"


class Heartbeat:
    """A context in which the lease is renewed and progress is saved; it stops the attached copy on cancel or loss."""

    def __init__(self, sync: Sync, records: SyncRecords) -> None:
        self.sync = sync
        self.records = records
        self.verdict: Verdict | None = None
        self._copy: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heartbeat of sync {sync.pk}", daemon=True)
        self._saved: dict[str, Any] = {}
        self._renewed_at = self._checked_at = time.monotonic()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def attach(self) -> None:
        """Name the running asyncio task as the one to cancel; at once, if the verdict has been passed already."""
        task = asyncio.current_task()
        assert task is not None, "attach() is called inside the copy"  # noqa: S101
        with self._lock:
            self._copy = (asyncio.get_running_loop(), task)
            if self.verdict:
                task.cancel()
        self._watch()

    def detach(self) -> None:
        """The copy has ended: from here on there is nothing to cancel."""
        with self._lock:
            self._copy = None

    def _run(self) -> None:
        try:
            while self.verdict is None and not self._ended.wait(TICK_SECONDS):
                self._beat()
        except Exception:  # whatever it is: nobody renews the lease any more, so nobody may go on copying
            logger.exception("The heartbeat of %s has failed", self.sync)
            self._stop(Verdict.LOST)
        finally:
            connection.close()

    def _beat(self) -> None:
        try:
            self._save_progress()
            self._check_cancel()
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            age = time.monotonic() - self._renewed_at
            logger.warning("The lease of %s could not be renewed for %.0f s: %s", self.sync, age, error)
            self._stop_if_overdue()

    def _watch(self) -> None:
        """In the copy's own loop: a database that neither answers nor refuses holds up the thread, but not this."""
        self._stop_if_overdue()
        with self._lock:
            if self._copy and self.verdict is None:
                self._copy[0].call_later(TICK_SECONDS, self._watch)

    def _stop_if_overdue(self) -> None:
        age = time.monotonic() - self._renewed_at
        if age > settings.LEASE_SECONDS - settings.LEASE_RENEWAL_SECONDS:
            self._stop(Verdict.LOST)  # by now another worker may have it

    def _save_progress(self) -> None:
        counters = self.records.counters()
        is_due = time.monotonic() - self._renewed_at >= settings.LEASE_RENEWAL_SECONDS
        if not is_due and counters == self._saved and not self.records.has_unsaved:
            return
        asked_at = time.monotonic()
        with transaction.atomic():
            if not self.sync.renew(**counters):
                self._stop(Verdict.LOST)
                return
            self.records.save()
        self._saved, self._renewed_at = counters, asked_at

    def _check_cancel(self) -> None:
        if time.monotonic() - self._checked_at < CANCEL_CHECK_SECONDS:
            return
        self._checked_at = time.monotonic()
        asked = Sync.objects.filter(pk=self.sync.pk).values_list("cancel_requested_at", flat=True)
        if not asked or asked[0] is not None:
            self._stop(Verdict.CANCELLED if asked else Verdict.LOST)  # lost: its repository has been deleted
            return
        exchange_pauses()  # last: whatever goes wrong with it must keep nobody from cancelling

    def _stop(self, verdict: Verdict) -> None:
        with self._lock:
            self.verdict = verdict
            if self._copy:
                loop, task = self._copy
                loop.call_soon_threadsafe(task.cancel)
