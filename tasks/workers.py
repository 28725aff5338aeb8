"""What a worker says of itself: that it is there. In its main process, not in those that copy."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery.signals import heartbeat_sent, worker_shutdown
from django.db import DatabaseError, InterfaceError, connection

from mirrors.models.worker import REPORTS_EVERY
from mirrors.queue import SYNC_QUEUE
from mirrors.services.syncs import workers

logger = logging.getLogger(__name__)

_reported_at: dict[str, float] = {}


@heartbeat_sent.connect(dispatch_uid="report")
def report(sender: Any, **_: Any) -> None:
    """Celery's own heartbeat, every two seconds while the broker is there; one in fifteen is written down.

    sender: the `celery.worker.heartbeat.Heart` of a worker.
    """
    name, queues = sender.eventer.hostname, sender.eventer.app.amqp.queues.consume_from
    if SYNC_QUEUE not in queues or time.monotonic() - _reported_at.get(name, -60) < REPORTS_EVERY.total_seconds():
        return
    _reported_at[name] = time.monotonic()
    try:
        workers.note_worker(name)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("That this worker is there could not be written down: %s", type(error).__name__)
    finally:
        connection.close()  # the processes that are forked from this one must not inherit it


@worker_shutdown.connect(dispatch_uid="leave")
def leave(sender: Any, **_: Any) -> None:
    """Nobody need wait a minute and a half to see that it has stopped. sender: the worker."""
    if sender.hostname not in _reported_at:
        return
    try:
        workers.forget_worker(sender.hostname)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("That this worker stops could not be written down: %s", type(error).__name__)
    finally:
        connection.close()
