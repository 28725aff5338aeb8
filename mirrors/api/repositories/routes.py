"""Addresses of repositories."""

from __future__ import annotations

from mirrors.api.repositories import permissions, repositories, repository, tags
from mirrors.api.routes import both

REPOSITORY = "v1/repository/<full_name:repository>"

ROUTES = [
    *both("v1/user/starred", repositories.StarredEndpoint),
    *both("v1/user/starred/<full_name:repository>", repositories.StarEndpoint),
    *both("v1/repository", repositories.RepositoriesEndpoint),
    *both(f"{REPOSITORY}/changevisibility", repository.VisibilityEndpoint),
    *both(f"{REPOSITORY}/changestate", repository.StateEndpoint),
    *both(f"{REPOSITORY}/permissions/user/", permissions.UserPermissionsEndpoint),
    *both(f"{REPOSITORY}/permissions/user/<name:username>", permissions.UserPermissionEndpoint),
    *both(f"{REPOSITORY}/permissions/user/<name:username>/transitive", permissions.TransitivePermissionEndpoint),
    *both(f"{REPOSITORY}/permissions/team/", permissions.TeamPermissionsEndpoint),
    *both(f"{REPOSITORY}/permissions/team/<name:teamname>", permissions.TeamPermissionEndpoint),
    *both(f"{REPOSITORY}/tag/", tags.TagsEndpoint),
    *both(f"{REPOSITORY}/tag/<name:tag>", tags.TagEndpoint),
    *both(f"{REPOSITORY}/tag/<name:tag>/restore", tags.RestoreTagEndpoint),
    *both(REPOSITORY, repository.RepositoryEndpoint),
]
