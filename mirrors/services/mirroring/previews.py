"""Previews: what the next sync of a mirror, or of one that is not stored yet, would do. A job for the workers."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from mirrors import oci, queue
from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Mirror, Preview, Repository, User
from mirrors.models.encryption import DecryptionFailed
from mirrors.oci import Code, IndexLimits, IndexMode, OCIError, Side
from mirrors.services.mirroring.drafts import draft_of
from mirrors.services.mirroring.preview_findings import Findings
from mirrors.services.mirroring.preview_plans import DEADLINE, Question, look
from mirrors.services.storable import storable
from mirrors.services.syncs import connections
from mirrors.services.syncs.host_pauses import exchange_pauses, tell_pauses
from mirrors.services.syncs.sync_plans import memory_of, scope_of

logger = logging.getLogger(__name__)

KEPT = timedelta(hours=1)
AT_ONCE = 3
"""Previews of one repository that may be under way."""
AT_ONCE_OF_ONE = 5
"""Previews that one person may have under way: workers take them before syncs."""
_OVERDUE = timedelta(seconds=3 * DEADLINE)
_NEEDED = ("source_reference", "tag_patterns")
_COLUMNS = (
    "source_reference",
    "tag_patterns",
    "platforms",
    "index_mode",
    "copies_referrers",
    "copies_foreign_layers",
    "verify_tls",
    "no_proxy",
    "timeout_seconds",
    "kept_tags",
)
_SECRETS = (
    "source_username_ciphertext",
    "source_password_ciphertext",
    "http_proxy_ciphertext",
    "https_proxy_ciphertext",
)


def request_preview(repository: Repository, *, values: dict[str, Any] | None = None, by: User | None = None) -> Preview:
    """Ask for a preview of the stored mirror, with `values` (as `change_mirror` takes them) put over it.

    Without a stored mirror the values have to name source and patterns. Raises NotFound, and InvalidInput naming the
    field. Nothing is stored of the values but in the preview, and secrets only until it ends.
    """
    stored = Mirror.objects.filter(repository=repository).first()
    if stored is None and values is None:
        raise NotFound(f"{repository} is not mirrored: give the configuration that is to be looked at.")
    wanted = draft_of(repository, stored, values or {}, required=_NEEDED)
    with transaction.atomic():
        _check_few(repository, by)
        preview = Preview.objects.create(
            repository=repository,
            requested_by=by,
            configuration={name: getattr(wanted, name) for name in _COLUMNS},
            expires_at=timezone.now() + KEPT,
            **{name: getattr(wanted, name) for name in _SECRETS},
        )
        transaction.on_commit(lambda: _ring(preview))
    return preview


def _check_few(repository: Repository, by: User | None) -> None:
    """Whoever asks at the same moment waits here until this one is counted."""
    if not list(Repository.objects.select_for_update(of=("self",)).filter(pk=repository.pk).order_by().values("pk")):
        raise NotFound(f"There is no repository {repository} any more.")
    if _under_way(repository=repository) >= AT_ONCE:
        raise InvalidInput(f"{AT_ONCE} previews of {repository} are under way: wait for one of them to end.")
    if by is None:
        return
    list(User.objects.select_for_update().filter(pk=by.pk).values("pk"))
    if _under_way(requested_by=by) >= AT_ONCE_OF_ONE:
        raise InvalidInput(f"{AT_ONCE_OF_ONE} of your previews are under way: wait for one of them to end.")


def find_preview(repository: Repository, preview_id: int) -> Preview:
    """The preview; raises NotFound, too where it has been forgotten."""
    preview = Preview.objects.filter(repository=repository, pk=preview_id, expires_at__gt=timezone.now()).first()
    if preview is None:
        raise NotFound(f"{repository} has no preview {preview_id}; they are kept for an hour. Ask for a new one.")
    overdue = timezone.now() - _OVERDUE
    if preview.status == Preview.Status.RUNNING and preview.started_at and preview.started_at < overdue:
        _end(preview, error=(Code.LOST, None, "The worker that looked at it has died. Ask again."))
        preview.refresh_from_db()
    return preview


def run_preview(preview_id: int) -> None:
    """Look at both registries and store the answer; does nothing where somebody else has begun, or it is gone."""
    queued = Preview.objects.filter(pk=preview_id, status=Preview.Status.QUEUED, expires_at__gt=timezone.now())
    if not queued.update(status=Preview.Status.RUNNING, started_at=timezone.now()):
        return
    preview = Preview.objects.select_related("repository__namespace__target_registry").get(pk=preview_id)
    findings = Findings()
    try:
        question = _question(preview)
        exchange_pauses()
        connection.close()  # it would idle for as long as the registries take
        oci.run_in_background(look(question, findings))
    except OCIError as error:
        _end(preview, error=(error.code, error.side, str(error)))
    except DecryptionFailed:
        text = "The stored credentials cannot be decrypted with the present ENCRYPTION_KEYS: enter them again."
        _end(preview, error=(Code.DECRYPTION, None, text))
    except Exception:  # whatever it is, whoever waits must be told; the traceback goes to the log
        logger.exception("Unexpected fault in %s", preview)
        text = f"An unexpected fault; the worker's log has the details of preview {preview.pk}."
        _end(preview, error=(Code.INTERNAL, None, text))
    else:
        _end(preview, result=findings.result())
    tell_pauses()


def ring_again() -> int:
    """Send the messages of queued previews again where some were lost: no more than the broker lacks."""
    grace = timedelta(seconds=settings.BELL_GRACE_SECONDS)
    now = timezone.now()
    queued = Preview.objects.filter(status=Preview.Status.QUEUED, created_at__lt=now - grace, expires_at__gt=now)
    if not queued.exists():
        return 0
    waiting = queue.waiting_previews()
    if waiting is None:  # the sweep says so already
        return 0
    return sum(queue.ring_preview(preview) for preview in queued.order_by("pk")[: max(queued.count() - waiting, 0)])


def forget_old_previews() -> int:
    """Delete the previews whose time is over, with what they hold; gives how many."""
    deleted, _ = Preview.objects.filter(expires_at__lt=timezone.now()).delete()
    return deleted


def _under_way(**of_what: Any) -> int:
    active = Preview.objects.filter(status__in=Preview.ACTIVE, created_at__gt=timezone.now() - _OVERDUE)
    return active.filter(**of_what).count()


def _ring(preview: Preview) -> None:
    if not queue.ring_preview(preview):
        _end(preview, error=(Code.INTERNAL, None, "No worker could be told of it: the broker cannot be reached."))


def _question(preview: Preview) -> Question:
    mirror = _asked_about(preview)
    repository = preview.repository
    source, target = connections.source_of(mirror), connections.target_of(repository)
    if source.is_same_place(target):
        raise oci.Unsupported(
            f"{target.repository} cannot be mirrored from itself: give another source, or another target registry.",
            side=Side.SOURCE,
        )
    snapshot = preview.configuration | {"target": f"{target.host}/{target.repository}"}
    stored = Mirror.objects.filter(repository=repository).first()
    known, settled = memory_of(stored, scope=scope_of(snapshot)) if stored else ({}, frozenset[str]())
    return Question(
        source=source,
        target=target,
        patterns=mirror.tag_patterns,
        kept=frozenset(mirror.kept_tags),
        options=oci.CopyOptions(
            platforms=oci.parse_platforms(mirror.platforms),
            index_mode=IndexMode(mirror.index_mode),
            known=known,
            foreign_layers=mirror.copies_foreign_layers,
            limits=IndexLimits(
                bytes=settings.REPO_MIRROR_MAX_MANIFEST_LIST_SIZE, entries=settings.REPO_MIRROR_MAX_MANIFEST_ENTRIES
            ),
        ),
        settled=settled,
    )


def _asked_about(preview: Preview) -> Mirror:
    secrets = {name: getattr(preview, name) for name in _SECRETS}
    return Mirror(repository=preview.repository, **preview.configuration, **secrets)


def _end(
    preview: Preview,
    *,
    result: dict[str, Any] | None = None,
    error: tuple[Code, Side | None, str] | None = None,
) -> None:
    """queued or running -> succeeded or failed; its secrets go in the same statement."""
    code, side, message = error or ("", None, "")
    Preview.objects.filter(pk=preview.pk, status__in=Preview.ACTIVE).update(
        status=Preview.Status.FAILED if error else Preview.Status.SUCCEEDED,
        result=result,
        error_code=code,
        error_side=side or "",
        message=storable(message),
        finished_at=timezone.now(),
        **dict.fromkeys(_SECRETS),
    )
