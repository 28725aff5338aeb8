"""Custom resources to apply, and what applying them answers."""

from __future__ import annotations

import re
from typing import Any

from tests.api.conftest import APIClient

APPLY = "/api/v1/apply"
EXPORT = "/api/v1/export"
WRITES = re.compile(r"^\s*(INSERT|UPDATE|DELETE|REPLACE)", re.IGNORECASE)
PASSWORD = "source-password-8Qx2"

SPEC = {
    "connSecretRef": {"name": "quay-credentials"},
    "name": "acme/app",
    "externalReference": "registry.example.com/team/app",
    "imageTags": ["9.4", "9.3"],
    "robotUsername": "acme+mirror",
    "syncInterval": "172800",
    "syncStartDate": "2026-04-27T13:00:00Z",
    "httpProxy": "http://proxy:3128",
    "noProxy": "localhost",
    "isEnabled": True,
}
ORGANIZATION_MIRROR = {
    "connSecretRef": {"name": "quay-credentials"},
    "preserveInQuayOnDeletion": False,
    "organization": "acme",
    "externalRegistryType": "quay",
    "externalRegistryUrl": "https://quay.io",
    "externalNamespace": "projectquay",
    "robotUsername": "acme+mirror",
    "visibility": "public",
    "repositoryFilters": ["quay", "clair", "redis"],
    "syncInterval": "2d",
    "syncStartDate": "2026-04-27T13:00:00Z",
    "isEnabled": True,
}


def resource(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A custom resource."""
    return {
        "apiVersion": "quay.herve4m.github.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": "sample"},
        "spec": spec,
    }


def mirror_of(**changes: Any) -> dict[str, Any]:
    """SPEC with changes; a key that is `...` is left out."""
    return resource("RepositoryMirror", {key: value for key, value in (SPEC | changes).items() if value is not ...})


def secret(**held: str) -> dict[str, Any]:
    """A Secret named `source`."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "source"}, "stringData": held}


def applied(api: APIClient, *documents: Any, dry_run: bool = False) -> list[dict[str, Any]]:
    """What became of each document."""
    response = api.post(f"{APPLY}?dryRun={str(dry_run).lower()}", list(documents))
    assert response.status_code == 200, response.content
    found: list[dict[str, Any]] = response.json()["documents"]
    return found


def actions(results: list[dict[str, Any]]) -> list[str]:
    """Kind and action of each."""
    return [f"{result['kind']} {result['action']}" for result in results]


def refused(api: APIClient, *documents: Any) -> str:
    """The error of a stream that is not applied at all."""
    response = api.post(APPLY, list(documents))
    assert response.status_code == 400, response.content
    return str(response.json()["detail"])


REF = {"secretKeyRef": {"name": "source", "key": "password"}}
