"""Addresses of repositories."""

from __future__ import annotations

from mirrors.api.repositories import repositories
from mirrors.api.routes import both

REPOSITORY = "v1/repository/<full_name:repository>"

ROUTES = [
    *both("v1/repository", repositories.RepositoriesEndpoint),
    *both(REPOSITORY, repositories.RepositoryEndpoint),
]
