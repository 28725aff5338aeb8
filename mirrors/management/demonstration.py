"""The demonstration: `demo/hello`, mirrored from a sample registry as every mirror is: due, beat, queue, worker."""

from __future__ import annotations

import re
import time

from django.db import transaction
from django.utils import timezone
from rich.console import Console

from mirrors.errors import NotFound
from mirrors.management.broker import HOST, free_port, is_free
from mirrors.management.progress import end_of, follow
from mirrors.models import Mirror, Namespace, Repository, Sync, User
from mirrors.models.sync import Status
from mirrors.sample.images import SAMPLE_REPOSITORY
from mirrors.services.accounts import namespaces, organizations
from mirrors.services.mirroring import mirrors
from mirrors.services.repositories import repositories

ORGANIZATION = "demo"
FULL_NAME = f"{ORGANIZATION}/{SAMPLE_REPOSITORY}"
TAG_PATTERNS = ["1.*", "2.*", "latest"]
INTERVAL = 3600
PREFERRED_PORT = 5001
SAMPLE_REFERENCE = re.compile(rf"{re.escape(HOST)}:(?P<port>\d+)/{SAMPLE_REPOSITORY}")
PATIENCE = 60.0  # seconds until beat and worker must have noticed a due mirror


def find_demonstration() -> Mirror | None:
    """The demonstration's mirror, if it has been set up."""
    return Mirror.objects.filter(repository__namespace__name=ORGANIZATION, repository__name=SAMPLE_REPOSITORY).first()


def choose_port() -> int:
    """The sample registry's port: the one of the run before while it is free, so that the mirror need not change."""
    mirror = find_demonstration()
    port = PREFERRED_PORT
    if mirror is not None and (match := SAMPLE_REFERENCE.fullmatch(mirror.source_reference)):
        port = int(match["port"])
    return port if is_free(port) else free_port()


def set_up(*, port: int, by: User) -> Mirror:
    """Make the demonstration's mirror, due at once; an existing one is only pointed at the sample registry's port."""
    source = f"{HOST}:{port}/{SAMPLE_REPOSITORY}"
    mirror = find_demonstration()
    if mirror is None:
        return _create(source, by=by)
    if _reads_sample(mirror) and mirror.source_reference != source:
        mirror = mirrors.change_mirror(mirror, {"source_reference": source})
    if not _has_worked(mirror) and not mirror.syncs.active().exists():
        mirror = mirrors.change_mirror(mirror, {"starts_at": timezone.now()})
    return mirror


def show(mirror: Mirror, *, console: Console) -> None:
    """Show its first sync live; one sentence where it has been mirrored before."""
    if _has_worked(mirror):
        console.print(f"{FULL_NAME} has been mirrored before.", markup=False)
        return
    console.print(f"Mirroring {FULL_NAME} from {mirror.source_reference} ...", markup=False)
    sync = _first_sync(mirror)
    if sync.is_active:
        sync = follow(sync, console=console, advice="see the log lines of worker and beat above.")
    console.print(f"{FULL_NAME}: {end_of(sync)}", markup=False, soft_wrap=True)


def _create(source: str, *, by: User) -> Mirror:
    with transaction.atomic():
        if not Namespace.objects.filter(name=ORGANIZATION).exists():
            organizations.create_organization(ORGANIZATION, by=by)
        namespace = namespaces.find_namespace(ORGANIZATION, administered_by=by)
        repository = Repository.objects.filter(namespace=namespace, name=SAMPLE_REPOSITORY).first()
        if repository is None:
            public = Repository.Visibility.PUBLIC
            repository = repositories.create_repository(namespace, SAMPLE_REPOSITORY, by=by, visibility=public)
        values = {
            "source_reference": source,
            "tag_patterns": TAG_PATTERNS,
            "verify_tls": False,  # the sample registry speaks plain HTTP, on this machine
            "sync_interval": INTERVAL,
            "starts_at": timezone.now(),
            "robot": mirrors.robot_for(repository),
        }
        return mirrors.create_mirror(repository, values)


def _reads_sample(mirror: Mirror) -> bool:
    """Whether it still reads from the sample registry: people may have pointed it elsewhere."""
    return SAMPLE_REFERENCE.fullmatch(mirror.source_reference) is not None


def _has_worked(mirror: Mirror) -> bool:
    return mirror.syncs.filter(status=Status.SUCCEEDED).exists()


def _first_sync(mirror: Mirror) -> Sync:
    """The sync that beat queues, once it has."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        recent = mirror.syncs.filter(created_at__gte=mirror.updated_at).first() or mirror.syncs.active().first()
        if recent is not None:
            return recent
        time.sleep(0.3)
    raise NotFound(f"Nothing has queued a sync of {FULL_NAME} within {PATIENCE:.0f} s: see the log lines of beat.")
