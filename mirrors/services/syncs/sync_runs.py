"""One sync from claim to end, inside one worker process."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from mirrors import oci
from mirrors.models import Repository, Sync
from mirrors.models.encryption import DecryptionFailed
from mirrors.models.sync import Stage, Status, Trigger
from mirrors.oci import Code, ContentRepository, OCIError, Side
from mirrors.services.mirroring import restoring
from mirrors.services.storable import storable
from mirrors.services.syncs import connections, schedules, sync_log
from mirrors.services.syncs.heartbeat import Heartbeat, Verdict
from mirrors.services.syncs.host_pauses import exchange_pauses, tell_pauses
from mirrors.services.syncs.pruning import prune
from mirrors.services.syncs.sync_plans import Plan, plan_of, snapshot_of
from mirrors.services.syncs.sync_records import SyncRecords, failures
from mirrors.tag_filters import select_tags

logger = logging.getLogger(__name__)

TAGS_NAMED = 3


@dataclass(frozen=True)
class Failure:
    """Why a sync failed, and what a further attempt may do about it."""

    code: Code
    side: Side | None
    retryable: bool
    only_tags: list[str] | None = None
    retry_after: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How a copy ended of itself: in a sentence, and with the failure, if it failed."""

    message: str
    failure: Failure | None = None


def run_sync(sync_id: int, *, worker: str = "") -> None:
    """Run a queued sync; does nothing where it is not queued any more, or not yet to be started."""
    sync = _claimed(sync_id, worker=worker or f"process {os.getpid()}")
    if sync is None:
        return
    records = SyncRecords(sync)
    with Heartbeat(sync, records) as heartbeat:
        outcome = _attempt(sync, records, heartbeat)
    _finish(sync, records, outcome=outcome, verdict=heartbeat.verdict)
    tell_pauses()  # many a sync ends at once because of one, before its heartbeat has told anybody


@transaction.atomic
def _claimed(sync_id: int, *, worker: str) -> Sync | None:
    # Locked: who brings the sync forward meanwhile is told that it is running, not that it will do what was asked.
    queued = Sync.objects.select_for_update(of=("self",)).filter(status=Status.QUEUED, available_at__lte=timezone.now())
    sync = (
        queued.select_related("mirror__repository__namespace__target_registry", "mirror__robot__namespace")
        .filter(pk=sync_id)
        .first()
    )
    if sync is None:
        return None
    if sync.mirror.repository.state != Repository.State.MIRROR:
        sync.withdraw(message="The repository has left the MIRROR state.")
        return None
    if schedules.is_switched_off(sync):
        sync.withdraw(message="The mirror was disabled before the sync started.")
        schedules.advance(sync.mirror)
        return None
    if not sync.start(worker=worker, snapshot=snapshot_of(sync.mirror)):
        return None
    sync_log.record_start(sync)
    return sync


def _attempt(sync: Sync, records: SyncRecords, heartbeat: Heartbeat) -> Outcome | None:
    """Copy and prune. None: the heartbeat stopped it, and its verdict says why."""
    try:
        plan = plan_of(sync)
        records.expect(plan)
        exchange_pauses()  # what others were told, and what an operator has lifted, since this process last looked
        connection.close()  # it would idle for as long as the copy takes, and no server keeps it for certain
        return oci.run_in_background(_mirror(plan, records, heartbeat))
    except asyncio.CancelledError:
        return None
    except OCIError as error:
        return Outcome(
            str(error), Failure(error.code, error.side, error.retryable, sync.only_tags, retry_after=error.retry_after)
        )
    except DecryptionFailed:
        message = "The stored credentials cannot be decrypted with the present ENCRYPTION_KEYS: enter them again."
        return Outcome(message, Failure(Code.DECRYPTION, None, retryable=False))
    except Exception:  # whatever it is, the sync must end and say so; the traceback goes to the log
        logger.exception("Unexpected fault in %s", sync)
        message = f"An unexpected fault; the worker's log has the details of sync {sync.pk}."
        return Outcome(message, Failure(Code.INTERNAL, None, retryable=True, only_tags=sync.only_tags))


async def _mirror(plan: Plan, records: SyncRecords, heartbeat: Heartbeat) -> Outcome:
    heartbeat.attach()
    try:
        async with (
            connections.opened(plan.source, side=Side.SOURCE) as source,
            connections.opened(plan.target, side=Side.TARGET) as target,
        ):
            try:
                work = _copy_and_prune if plan.restores is None else _put_back
                return await work(plan, source, target, records)
            finally:
                records.rate_limit = source.rate_limit if isinstance(source, oci.RemoteRepository) else None
    finally:
        heartbeat.detach()


async def _copy_and_prune(
    plan: Plan, source: ContentRepository, target: ContentRepository, records: SyncRecords
) -> Outcome:
    tags = await source.list_tags()
    selected = select_tags(tags, plan.patterns).tags
    if not selected:
        patterns = ", ".join(plan.patterns)
        return Outcome(f"No tags matched: none of the source's {len(tags)} tags fits {patterns}. Nothing was deleted.")
    wanted = selected if plan.only_tags is None else sorted(set(selected).intersection(plan.only_tags))
    records.stage, records.tags_total = Stage.COPYING, len(wanted)
    outcomes = await oci.copy_tags(
        source,
        target,
        wanted,
        options=plan.options_for(wanted, listed=tags),
        progress=records.progress,
        on_outcome=records.add,
    )
    failed = failures(outcomes)
    if failed:
        return _failure_of_tags(failed, total=len(wanted))
    records.stage = Stage.PRUNING
    await prune(target, keep={*selected, *plan.kept}, records=records)
    return Outcome(_summary(records))


async def _put_back(plan: Plan, source: ContentRepository, target: ContentRepository, records: SyncRecords) -> Outcome:
    records.stage, records.tags_total = Stage.COPYING, 1
    outcome = await restoring.put_back(
        plan.restores or {}, source=source, target=target, options=plan.options, progress=records.progress
    )
    records.add(outcome)
    if failed := failures([outcome]):
        return _failure_of_tags(failed, total=1)
    return Outcome(f"{outcome.tag} is {outcome.target_digest} again. {outcome.reason}")


def _failure_of_tags(failed: list[oci.TagOutcome], *, total: int) -> Outcome:
    errors = [outcome.error for outcome in failed if outcome.error]
    named = "; ".join(f"{outcome.tag}: {outcome.error}" for outcome in failed[:TAGS_NAMED])
    more = f"; and {len(failed) - TAGS_NAMED} more" if len(failed) > TAGS_NAMED else ""
    failure = Failure(
        errors[0].code,
        errors[0].side,
        retryable=any(error.retryable for error in errors),
        only_tags=[outcome.tag for outcome in failed],
        retry_after=max((error.retry_after or 0 for error in errors), default=0) or None,
    )
    return Outcome(f"{len(failed)} of {total} tags failed. {named}{more} No tag was deleted.", failure)


def _summary(records: SyncRecords) -> str:
    counts = records.counters()
    words = ("copied", "unchanged", "skipped", "deleted")
    parts = [f"{counts[f'tags_{word}']} {word}" for word in words if counts[f"tags_{word}"]]
    referrers = [
        f"{counts[f'referrers_{word}']} {word}" for word in ("copied", "failed") if counts[f"referrers_{word}"]
    ]
    more = f" Referrers: {', '.join(referrers)}." if referrers else ""
    return f"Tags: {', '.join(parts) or 'none left to copy'}.{more}"


def _finish(sync: Sync, records: SyncRecords, *, outcome: Outcome | None, verdict: Verdict | None) -> None:
    """Write the end, and what follows from it, in one transaction. A worker that lost its lease writes nothing."""
    with transaction.atomic():
        if verdict == Verdict.LOST or not _end(sync, records, outcome):
            logger.warning("%s lost its lease; whoever took it goes on", sync)
            return
        records.save()
        sync_log.record_end(sync, tags=records.named_tags)
        failure = outcome.failure if outcome else None
        if failure and failure.retryable:
            schedules.plan_next_attempt(
                sync, trigger=Trigger.RETRY, only_tags=failure.only_tags, retry_after=failure.retry_after
            )
        else:
            schedules.advance_after(sync)
        if sync.restores and sync.status == Status.SUCCEEDED:
            restoring.keep(sync.mirror, sync.restores["tag"])
    logger.info("%s of %s: %s", sync, sync.mirror.repository, sync.message)


def _end(sync: Sync, records: SyncRecords, outcome: Outcome | None) -> bool:
    columns = records.final_columns()
    if outcome is None:
        deleted = columns["tags_deleted"] or "No"
        return sync.cancel(message=f"Cancelled while it was running. {deleted} tags were deleted.", **columns)
    message, failure = storable(outcome.message), outcome.failure
    if failure is None:
        return sync.succeed(message=message, **columns)
    return sync.fail(code=failure.code, side=failure.side, message=message, **columns)
