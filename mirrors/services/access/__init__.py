"""Who may do what: the one place that decides, for API, pages, /v2/ and commands alike.

accounts        who counts as what: superusers, those who see everything, members of teams
namespaces      organizations and users' own spaces: who administers them, who may make repositories in them
repositories    the role that each account has on a repository, and what it may see
states          what NORMAL, READ_ONLY, MIRROR and ORG_MIRROR forbid to whom
"""

from mirrors.services.access.accounts import Account, reaches_everything, sees_everything, user_of
from mirrors.services.access.namespaces import (
    administered_namespaces,
    administers_namespace,
    may_create_repository,
    may_see_namespace_settings,
    namespaces_to_create_in,
)
from mirrors.services.access.repositories import (
    STRENGTH,
    Role,
    administered_among,
    administered_repositories,
    find_repository,
    has_role,
    has_role_on_name,
    is_administered,
    may_administer,
    may_pull,
    repository_role,
    visible_repositories,
)
from mirrors.services.access.states import check_may_write_tags, may_write_tags

__all__ = [
    "STRENGTH",
    "Account",
    "Role",
    "administered_among",
    "administered_namespaces",
    "administered_repositories",
    "administers_namespace",
    "check_may_write_tags",
    "find_repository",
    "has_role",
    "has_role_on_name",
    "is_administered",
    "may_administer",
    "may_create_repository",
    "may_pull",
    "may_see_namespace_settings",
    "may_write_tags",
    "namespaces_to_create_in",
    "reaches_everything",
    "repository_role",
    "sees_everything",
    "user_of",
    "visible_repositories",
]
