"""The connection test: whether a mirror's source can be read and its target reached, now, within eight seconds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from mirrors import oci
from mirrors.errors import NotFound
from mirrors.models import Mirror, Repository
from mirrors.models.encryption import DecryptionFailed
from mirrors.oci import Code, OCIError, RateLimit, RegistryClient, RemoteRepository, Side, StoredRepository, Timeouts
from mirrors.services.logs import log_entries
from mirrors.services.mirroring.drafts import draft_of
from mirrors.services.syncs import connections
from mirrors.services.syncs.connections import Location
from mirrors.tag_filters import select_tags

SECONDS = 8.0  # clients give up after ten
TIMEOUTS = Timeouts(connect=4.0, read=6.0)
NEEDED = ("source_reference",)
MOST_MATCHES = 1_000_000
"""Comparisons of tags with patterns that a request may wait for: some tenths of a second of a whole process."""
_UNREACHED = frozenset({Code.TLS, Code.DNS, Code.CONNECTION, Code.TIMEOUT, Code.BLOCKED_SOURCE, Code.DECRYPTION})


@dataclass(frozen=True)
class Problem:
    """Why it does not work: a code of the closed list, the side, and a sentence without any secret."""

    code: Code
    side: Side
    message: str


@dataclass(frozen=True)
class Finding:
    """What one side answered.

    tags: those that it has; None where nobody could tell. uses_tls: None where it was not reached. seconds: it took.
    """

    message: str = ""
    problem: Problem | None = None
    tags: list[str] | None = None
    uses_tls: bool | None = None
    rate_limit: RateLimit | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Verification:
    """Both sides. matching: how many of the source's tags the patterns select; None without either or with too many."""

    source: Finding
    target: Finding
    verifies_tls: bool
    matching: int | None

    @property
    def problem(self) -> Problem | None:
        """The first one, of the source if it has one."""
        return self.source.problem or self.target.problem


def verify(repository: Repository, *, values: dict[str, Any] | None = None) -> Verification:
    """Test the stored mirror with these values, as `change_mirror` takes them, put over it. Nothing is stored.

    Raises NotFound where there is neither a mirror nor values, InvalidInput where a value cannot be accepted.
    """
    stored = Mirror.objects.filter(repository=repository).first()
    if stored is None and not values:
        raise NotFound(f"{repository} is not mirrored: give the configuration that is to be tested.")
    draft = draft_of(repository, stored, values or {}, required=NEEDED)
    draft.repository = repository  # with what was joined
    source, target = _looked_at(draft)
    matching = None
    if draft.tag_patterns and source.tags is not None and len(source.tags) * len(draft.tag_patterns) <= MOST_MATCHES:
        matching = len(select_tags(source.tags, draft.tag_patterns).tags)
    result = Verification(source, target, draft.wants_tls_verified, matching)
    _record(draft, result)
    return result


def _looked_at(draft: Mirror) -> tuple[Finding, Finding]:
    ends: dict[Side, Location] = {}
    findings: dict[Side, Finding] = {}
    for side in Side:
        try:
            of_draft = side is Side.SOURCE
            ends[side] = connections.source_of(draft) if of_draft else connections.target_of(draft.repository)
        except DecryptionFailed:
            text = "The stored credentials cannot be decrypted with the present ENCRYPTION_KEYS: enter them again."
            findings[side] = Finding(problem=Problem(Code.DECRYPTION, side, text))
    findings |= oci.run_in_background(_look_at_all(ends))
    return findings[Side.SOURCE], findings[Side.TARGET]


async def _look_at_all(ends: dict[Side, Location]) -> dict[Side, Finding]:
    found = await asyncio.gather(*(_look_at(location, side=side) for side, location in ends.items()))
    return dict(zip(ends, found, strict=True))


async def _look_at(location: Location, *, side: Side) -> Finding:
    started = time.monotonic()
    try:
        async with asyncio.timeout(SECONDS):
            finding = await (_ask_source(location) if side is Side.SOURCE else _ask_target(location))
    except TimeoutError:
        text = f"{location.host} did not answer all that was asked within {SECONDS:g} seconds."
        finding = Finding(problem=Problem(Code.TIMEOUT, side, text))
    return Finding(**vars(finding) | {"seconds": time.monotonic() - started})


async def _ask_source(location: Location) -> Finding:
    """List the tags, then ask for one of them: some registries list what they do not let everybody pull."""
    async with _client(location, side=Side.SOURCE) as client:
        repository = RemoteRepository(client, location.repository)
        try:
            tags = await repository.list_tags()
            if tags:
                await repository.resolve(tags[-1])
        except OCIError as error:
            return _failed(error, side=Side.SOURCE, client=client)
        place = f"{location.host}/{location.repository}"
        message = f"{place} can be read: {len(tags)} tag{'' if len(tags) == 1 else 's'}."
        return Finding(message, tags=tags, uses_tls=client.uses_tls, rate_limit=client.rate_limit)


async def _ask_target(location: Location) -> Finding:
    """List the tags with the right to write; there need be no repository yet. Nothing is written."""
    if location.endpoint is None:
        stored = StoredRepository(connections.store(), location.repository)
        try:
            return Finding("The built-in store keeps it.", tags=await stored.list_tags())
        except oci.NotFound:
            return Finding("The built-in store keeps it.", tags=[])
        except OCIError as error:
            return _failed(error, side=Side.TARGET)
    async with _client(location, side=Side.TARGET) as client:
        tags: list[str] = []
        try:
            tags = await RemoteRepository(client, location.repository).list_tags()
        except oci.NotFound:
            pass  # the first sync makes it
        except OCIError as error:
            return _failed(error, side=Side.TARGET, client=client)
        message = f"{location.host} answers and accepts the credentials. Nothing was written."
        return Finding(message, tags=tags, uses_tls=client.uses_tls, rate_limit=client.rate_limit)


def _client(location: Location, *, side: Side) -> RegistryClient:
    """A client of its own: nothing of an earlier connection, no second try, and no waiting for a pause."""
    endpoint = location.endpoint
    if endpoint is None:
        raise AssertionError("the built-in store is not reached by HTTP")
    guard = connections.guard(trusted=endpoint if side is Side.TARGET else None)
    return RegistryClient(endpoint, side=side, guard=guard, timeouts=TIMEOUTS, attempts=1, longest_pause=0)


def _failed(error: OCIError, *, side: Side, client: RegistryClient | None = None) -> Finding:
    problem = Problem(error.code, error.side or side, error.message)
    if client is None or error.code in _UNREACHED:
        return Finding(problem=problem)
    return Finding(problem=problem, uses_tls=client.uses_tls, rate_limit=client.rate_limit)


@transaction.atomic
def _record(draft: Mirror, result: Verification) -> None:
    """Whoever makes this farm connect somewhere leaves a trace of it. Quay has these kinds."""
    problem = result.problem
    kind = "repo_mirror_sync_test_failed" if problem else "repo_mirror_sync_test_success"
    message = problem.message if problem else result.source.message
    log_entries.record(kind, repository=draft.repository, external_reference=draft.source_reference, message=message)
