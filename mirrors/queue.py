"""The one way to Celery. A message is a doorbell: losing it, or getting it twice, changes nothing but the delay."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from mirrors.models import Preview, Sync

logger = logging.getLogger(__name__)

SYNC_QUEUE = "sync"
SYNC_NOW_QUEUE = "sync-now"
PREVIEW_QUEUE = "preview"


def enqueue_sync(sync: Sync) -> None:
    """Tell the workers of a queued sync once the transaction is committed."""
    transaction.on_commit(lambda: ring(sync))


def ring(sync: Sync) -> bool:
    """Send the message now. False: the broker cannot be reached; the sweep rings again."""
    from tasks.syncs import run_sync

    queue = SYNC_NOW_QUEUE if sync.priority else SYNC_QUEUE
    try:
        run_sync.apply_async((sync.pk,), queue=queue, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("The broker cannot be reached; %s waits for the next sweep: %s", sync, type(error).__name__)
        return False
    Sync.objects.filter(pk=sync.pk).update(rung_at=timezone.now())
    return True


def ring_preview(preview: Preview) -> bool:
    """Tell the workers of a preview now. False: the broker cannot be reached."""
    from tasks.previews import run_preview

    try:
        run_preview.apply_async((preview.pk,), queue=PREVIEW_QUEUE, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("The broker cannot be reached; nobody is told of %s: %s", preview, type(error).__name__)
        return False
    return True


def waiting_messages() -> int | None:
    """How many sync messages no worker has taken yet; None when the broker cannot be reached."""
    return _waiting(SYNC_NOW_QUEUE, SYNC_QUEUE)


def waiting_previews() -> int | None:
    """The same of previews."""
    return _waiting(PREVIEW_QUEUE)


def _waiting(*queues: str) -> int | None:
    from tasks.syncs import run_sync

    try:
        with run_sync.app.connection_for_write() as connection:
            # Not queue_declare(passive=True): its EXISTS leaves out the global key prefix, so it never finds a queue.
            client: Redis = connection.default_channel.client  # type: ignore[attr-defined]  # Redis transport
            return sum(int(client.llen(queue)) for queue in queues)
    except (OperationalError, RedisError, OSError):
        return None
