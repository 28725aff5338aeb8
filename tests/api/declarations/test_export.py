"""GET /v1/export: what is there as documents that, applied, change nothing."""

from __future__ import annotations

from typing import Any

import yaml
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mirrors.models import (
    Namespace,
    Robot,
)
from tests.api.conftest import APIClient
from tests.api.declarations.resources import (
    APPLY,
    EXPORT,
    ORGANIZATION_MIRROR,
    PASSWORD,
    applied,
    mirror_of,
    resource,
)


def test_what_is_exported_changes_nothing_when_it_is_applied(
    api: APIClient, ready: None, organization: Namespace
) -> None:
    proxy = "http://me:proxy-secret@proxy:3128"
    applied(
        api,
        mirror_of(
            externalRegistryUsername="reader",
            externalRegistryPassword=PASSWORD,
            httpsProxy=proxy,
            platforms=["linux/amd64"],
            verifyTls=False,
        ),
        resource("Organization", {"name": "acme", "email": "a@example.com", "timeMachineExpiration": "2w"}),
        resource("Repository", {"name": "acme/app", "description": "Yes: *anything*\n", "perms": [{"name": "owner"}]}),
    )
    exported = api.get(EXPORT)

    assert exported["Content-Type"] == "application/yaml"
    for word in (PASSWORD, "proxy-secret"):
        assert word not in exported.content.decode()
    result = api.send("POST", APPLY, exported.content, content_type="application/yaml").json()
    assert result["counts"] == {"created": 0, "changed": 0, "unchanged": 4, "failed": 0}
    kinds = [document["kind"] for document in yaml.safe_load_all(exported.content)]
    assert kinds == ["Organization", "Robot", "Repository", "RepositoryMirror"]


def test_one_organization_or_one_repository_can_be_exported(
    api: APIClient, stranger_api: APIClient, ready: None
) -> None:
    applied(api, mirror_of())
    listed = api.get(EXPORT, namespace="acme", format="json").json()
    assert [item["kind"] for item in listed["items"]] == ["Organization", "Robot", "Repository", "RepositoryMirror"]
    assert api.post(APPLY, listed).json()["counts"]["unchanged"] == 4
    one = api.get(EXPORT, repository="acme/app", format="json").json()["items"]
    assert [item["kind"] for item in one] == ["Repository", "RepositoryMirror"]
    assert one[1]["spec"]["syncInterval"] == "2d"
    assert one[1]["metadata"]["name"] == "acme-app"
    assert stranger_api.get(EXPORT, repository="acme/app").status_code == 403
    assert stranger_api.get(EXPORT, namespace="acme").status_code == 403
    assert b"acme" not in stranger_api.get(EXPORT).content
    assert api.get(EXPORT, namespace="acme", repository="acme/app").status_code == 400
    assert api.get(EXPORT, format="xml").status_code == 400


def test_an_organization_mirror_comes_through_an_export_too(api: APIClient, robot: Robot) -> None:
    spec = ORGANIZATION_MIRROR | {"externalRegistryUsername": "$oauthtoken", "externalRegistryPassword": PASSWORD}
    applied(api, resource("OrganizationMirror", spec | {"verifyTls": True, "noProxy": "x"}))
    exported = api.get(EXPORT)
    assert PASSWORD.encode() not in exported.content
    result = api.send("POST", APPLY, exported.content, content_type="text/yaml").json()
    assert result["counts"] == {"created": 0, "changed": 0, "unchanged": 3, "failed": 0}


def test_exports_take_a_constant_number_of_queries(api: APIClient, ready: None, make_mirror: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(EXPORT).status_code == 200
        return len(captured)

    make_mirror("one")
    queries()
    before = queries()
    for number in range(10):
        make_mirror(f"more-{number}")
    assert queries() == before
