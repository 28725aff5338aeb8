"""What a repository's state forbids, whatever role an account has.

    NORMAL       whoever has the role may write
    READ_ONLY    nobody writes
    MIRROR       only the robot of the repository's own mirror, where it has the role as well
    ORG_MIRROR   only the robot of the organization's mirror

Reading, permissions, description, visibility, notifications and deleting the repository are never forbidden by a state.
"""

from __future__ import annotations

from mirrors.errors import Forbidden, NotWritable
from mirrors.models import Mirror, OrganizationMirror, Repository, Robot
from mirrors.services.access.accounts import Account
from mirrors.services.access.repositories import Role, has_role

State = Repository.State
WHAT_HELPS = {
    State.READ_ONLY: "nobody may change its tags before it is NORMAL again.",
    State.MIRROR: "only its mirror changes its tags. Set it to NORMAL first.",
    State.ORG_MIRROR: "only the mirror of its organization changes its tags. Remove that one first.",
}


def may_write_tags(account: Account, repository: Repository) -> bool:
    """Whether the account may make, move and delete tags now."""
    if repository.state == State.NORMAL:
        return has_role(account, repository, role=Role.WRITE)
    if not isinstance(account, Robot):
        return False
    if repository.state == State.MIRROR:
        writes = Mirror.objects.filter(repository=repository, robot=account).exists()
        return writes and has_role(account, repository, role=Role.WRITE)
    return (
        repository.state == State.ORG_MIRROR
        and OrganizationMirror.objects.filter(namespace=repository.namespace_id, robot=account).exists()
    )


def check_may_write_tags(account: Account, repository: Repository) -> None:
    """Raise NotWritable where the state forbids it, Forbidden where the role is missing."""
    if may_write_tags(account, repository):
        return
    if repository.state != State.NORMAL:
        helps = WHAT_HELPS[State(repository.state)]
        # Quay's words up to the colon, which clients may compare with.
        raise NotWritable(
            f"Repository is in read only or mirror mode: {repository} is in the {repository.state} state, {helps}"
        )
    raise Forbidden(f"You need the role write on {repository} for that.")
