"""The tags that are there and those that were, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import Q

from mirrors import oci
from mirrors.errors import InvalidInput, NotFound, RegistryFailed
from mirrors.models import Mirror, Repository
from mirrors.models.encryption import DecryptionFailed
from mirrors.oci import ContentRepository, IndexMode, OCIError, Side, run_in_background
from mirrors.oci.images.names import is_tag
from mirrors.services.syncs import connections
from mirrors.services.tags.contents import Content, remote_contents, stored_content
from mirrors.services.tags.history import TagVersion, ended_versions, recorded_tags

T = TypeVar("T")
DEADLINE_SECONDS = 8
"""Below the 10 s after which Quay's clients give up."""
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class TagFilter:
    """Which tags are wanted: the one of this name, or those whose names contain a text, or all."""

    name: str = ""
    part: str = ""

    def matches(self, tag: str) -> bool:
        """As SQL's LIKE does, without regard to case."""
        return tag == self.name if self.name else self.part.lower() in tag.lower()

    @property
    def condition(self) -> Q:
        """The same for the database."""
        return Q(tag=self.name) if self.name else Q(tag__icontains=self.part) if self.part else Q()


@dataclass(frozen=True)
class TagPage:
    """Some tags, each with what is behind it as far as that is known, and whether more follow."""

    tags: list[tuple[TagVersion, Content]]
    has_more: bool


def list_tags(repository: Repository, wanted: TagFilter, *, with_ended: bool, start: int, limit: int) -> TagPage:
    """The tags at the target registry, the youngest first, then `with_ended` what mirroring has replaced or deleted.

    start: how many to leave out. A remote registry is asked within DEADLINE_SECONDS; raises RegistryFailed.
    """
    target = target_of(repository)
    chosen = slice(start, start + limit)
    if target.endpoint is None:
        total, tags = _stored_tags(repository.full_name, wanted, chosen)
    else:
        recorded, may_be_sparse = recorded_tags(repository), _may_be_sparse(repository)
        total, tags = wait_for(_remote_tags(target, wanted, chosen, recorded, may_be_sparse=may_be_sparse), target)
    missing = limit - max(0, min(total - start, limit))
    if not with_ended or (start + limit) < total:
        return TagPage(tags, has_more=start + limit < total)
    ended = ended_versions(repository, named=wanted.condition, start=max(start - total, 0), limit=missing + 1)
    of_ended = [(version, Content(version.digest, version.media_type)) for version in ended[:missing]]
    return TagPage(tags + of_ended, has_more=len(ended) > missing)


def known_tags(repository: Repository, *, limit: int) -> list[tuple[TagVersion, Content]]:
    """Present tags, the youngest first, without asking any other registry: of a remote one those that were mirrored."""
    if not is_remote(repository):
        return _stored_tags(repository.full_name, TagFilter(), slice(limit))[1]
    recorded = _youngest_first(list(recorded_tags(repository).values()))
    return [(version, Content(version.digest, version.media_type)) for version in recorded[:limit]]


def is_remote(repository: Repository) -> bool:
    """Whether its tags are somewhere else than in the built-in store, so that listing them may take long."""
    return repository.namespace.target_registry_id is not None


def target_of(repository: Repository) -> connections.Location:
    """Where its content is kept; raises RegistryFailed where the credentials for it cannot be decrypted."""
    try:
        return connections.target_of(repository)
    except DecryptionFailed as error:
        raise RegistryFailed(
            f"The credentials of the target registry of {repository} cannot be decrypted with the present "
            "ENCRYPTION_KEYS: an administrator has to enter them again."
        ) from error


def wait_for(work: Coroutine[Any, Any, T], target: connections.Location) -> T:
    """The result of asking a target registry, within the deadline.

    Raises NotFound, InvalidInput for what the registry does not do, and RegistryFailed, which names the registry.
    """

    async def limited() -> T:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await work

    try:
        return run_in_background(limited())
    except oci.NotFound as error:
        raise NotFound(error.message) from error
    except (oci.Unsupported, oci.ImmutableTag) as error:
        raise InvalidInput(error.message) from error
    except OCIError as error:
        raise RegistryFailed(error.message) from error
    except TimeoutError as error:
        raise RegistryFailed(
            f"The target registry {target.host} did not answer within {DEADLINE_SECONDS} seconds. Try again later."
        ) from error


def _stored_tags(name: str, wanted: TagFilter, chosen: slice) -> tuple[int, list[tuple[TagVersion, Content]]]:
    """How many tags of the built-in store are wanted, and the chosen ones of them."""
    store = connections.store()
    times = {tag: datetime.fromtimestamp(int(at), UTC) for tag, at in store.tag_times(name).items()}
    versions = _youngest_first([TagVersion(tag, started_at=at) for tag, at in times.items() if wanted.matches(tag)])
    found = ((version, stored_content(store, name, version.name)) for version in versions[chosen])
    return len(versions), [(version, content) for version, content in found if content is not None]


async def _remote_tags(
    target: connections.Location,
    wanted: TagFilter,
    chosen: slice,
    recorded: Mapping[str, TagVersion],
    *,
    may_be_sparse: bool,
) -> tuple[int, list[tuple[TagVersion, Content]]]:
    """The same of a remote registry. may_be_sparse: see `remote_contents`."""
    async with connections.opened(target, side=Side.TARGET) as repository:
        names = await _names(repository, wanted)
        versions = _youngest_first([recorded.get(name) or TagVersion(name) for name in names])
        shown = versions[chosen]
        found = await remote_contents(repository, [each.name for each in shown], may_be_sparse=may_be_sparse)
    here = [version for version in shown if version.name in found]
    return len(versions), [(_checked(version, found[version.name]), found[version.name]) for version in here]


async def _names(repository: ContentRepository, wanted: TagFilter) -> list[str]:
    if wanted.name:
        return [wanted.name] if is_tag(wanted.name) and await repository.resolve(wanted.name) else []
    try:
        return [tag for tag in await repository.list_tags() if wanted.matches(tag)]
    except oci.NotFound:  # nothing was ever pushed
        return []


def _youngest_first(versions: list[TagVersion]) -> list[TagVersion]:
    by_name = sorted(versions, key=lambda version: version.name)
    return sorted(by_name, key=lambda version: version.started_at or _NEVER, reverse=True)


def _may_be_sparse(repository: Repository) -> bool:
    """Whether a mirror leaves parts of its indexes out: only then children are worth a request each."""
    filtered = Mirror.objects.filter(repository=repository, index_mode=IndexMode.SPARSE).exclude(platforms=[])
    return filtered.exists()


def _checked(version: TagVersion, content: Content) -> TagVersion:
    """Without a time where the registry has another image than the one that the database knows of."""
    return version if version.digest in ("", content.digest) else TagVersion(version.name)
