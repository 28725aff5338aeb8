"""What runs now and then: freeing storage, forgetting history, encrypting with the newest key."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models import Min
from django.utils import timezone

from mirrors.models import HostPause, Repository, Sync
from mirrors.models.encryption import CiphertextField, decrypt, encrypt
from mirrors.models.sync import Status
from mirrors.oci.store import garbage
from mirrors.services.syncs import connections

logger = logging.getLogger(__name__)

GRACE = timedelta(hours=1)


def collect_garbage() -> garbage.GarbageReport:
    """Free content of the built-in store that no tag reaches and no running sync has touched."""
    oldest = Sync.objects.filter(status=Status.RUNNING).aggregate(start=Min("started_at"))["start"]
    untouched_since = timezone.now() - GRACE
    if oldest is not None:
        untouched_since = min(untouched_since, oldest)
    _delete_leftovers(untouched_since=untouched_since)
    report = garbage.collect_garbage(connections.store(), untouched_since=untouched_since)
    logger.info("Garbage collection freed %s bytes in %s blobs", report.bytes_freed, report.blobs_removed)
    return report


def _delete_leftovers(*, untouched_since: datetime) -> None:
    """What a worker has still written for a repository that was being deleted, or could not be deleted then."""
    store = connections.store()
    stored = list(store.repositories())
    known = {"/".join(names) for names in Repository.objects.values_list("namespace__name", "name")}
    for name in stored:
        written = max(store.tag_times(name).values(), default=0.0)
        if name not in known and written < untouched_since.timestamp():
            store.delete_repository(name)
            logger.info("The content of %s, which does not exist any more, was removed from the built-in store", name)


def forget_old_syncs() -> int:
    """Delete finished syncs older than HISTORY_DAYS, but each mirror's last, and its last success; gives how many.

    With that success later syncs compare what they are to copy: whatever it had left out is missing to this day.
    """
    horizon = timezone.now() - timedelta(days=settings.HISTORY_DAYS)
    old = Sync.objects.finished().filter(finished_at__lt=horizon)
    for kept in (Sync.objects.concluded(), Sync.objects.complete()):
        newest = kept.order_by().values("mirror").annotate(latest=models.Max("id")).values("latest")
        old = old.exclude(pk__in=newest)
    _, deleted = old.only("pk").delete()  # with all their columns they would be read into memory first
    return deleted.get("mirrors.Sync", 0)


def forget_old_pauses() -> int:
    """Delete the pauses of registries that are over; gives how many."""
    deleted, _ = HostPause.objects.filter(until__lt=timezone.now()).delete()
    return deleted


def reencrypt() -> int:
    """Encrypt every stored secret with the first of ENCRYPTION_KEYS; gives how many. Raises DecryptionFailed.

    All or nothing: with one secret that no key decrypts, none is changed.
    """
    with transaction.atomic():
        return sum(_reencrypt_column(model, field) for model, field in ciphertext_columns())


def ciphertext_columns() -> Iterator[tuple[type[models.Model], str]]:
    """Every column that holds secrets."""
    for model in apps.get_models():
        for field in model._meta.fields:
            if isinstance(field, CiphertextField):
                yield model, field.name


def _reencrypt_column(model: type[models.Model], field: str) -> int:
    rows = model._default_manager.select_for_update().exclude(**{field: None})
    count = 0
    for key, token in rows.values_list("pk", field):
        # Conditional: a secret that somebody enters meanwhile is encrypted with the first key already.
        count += model._default_manager.filter(pk=key, **{field: token}).update(**{field: encrypt(decrypt(token))})
    return count
