"""POST /v1/apply: what is declared is there afterwards, and the second time nothing is done."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from mirrors.models import (
    LogEntry,
    Mirror,
    Namespace,
    OrganizationMirror,
    Repository,
    RepositoryPermission,
    Robot,
    Sync,
    User,
)
from tests.api.conftest import APIClient
from tests.api.declarations.resources import (
    APPLY,
    ORGANIZATION_MIRROR,
    PASSWORD,
    REF,
    WRITES,
    actions,
    applied,
    mirror_of,
    resource,
    secret,
)
from tests.fixtures.processes import ROOT


def test_a_mirror_is_made_as_declared(api: APIClient, ready: None) -> None:
    [result] = applied(api, mirror_of())

    assert result["action"] == "created"
    mirror = Mirror.objects.get()
    assert (mirror.source_reference, mirror.tag_patterns) == ("registry.example.com/team/app", ["9.4", "9.3"])
    assert (mirror.sync_interval, mirror.http_proxy, mirror.no_proxy) == (172800, "http://proxy:3128", "localhost")
    assert mirror.starts_at.isoformat() == "2026-04-27T13:00:00+00:00"
    assert Repository.objects.get().state == "MIRROR"


def test_the_second_time_nothing_is_written(api: APIClient, ready: None) -> None:
    documents = [
        mirror_of(externalRegistryUsername="reader", externalRegistryPasswordFrom=REF, forceSync=True),
        secret(password=PASSWORD),
        resource("Repository", {"name": "acme/app", "perms": [{"name": "owner", "role": "admin"}]}),
        resource("Robot", {"name": "acme+mirror", "description": ""}),
        resource("Organization", {"name": "acme", "email": "acme@example.com", "timeMachineExpiration": "2w"}),
    ]
    assert "failed" not in str(actions(applied(api, *documents)))
    entries = LogEntry.objects.count()

    with CaptureQueriesContext(connection) as captured:
        results = applied(api, *documents)

    assert actions(results) == [
        "Organization unchanged",
        "Robot unchanged",
        "Repository unchanged",
        "RepositoryMirror unchanged",
    ]
    written = [query["sql"] for query in captured if WRITES.match(query["sql"])]
    assert [sql for sql in written if "accesstoken" not in sql] == []
    assert LogEntry.objects.count() == entries
    assert Sync.objects.count() == 1


def test_a_change_names_each_key_with_what_was_and_what_is(api: APIClient, ready: None) -> None:
    applied(api, mirror_of())

    [result] = applied(api, mirror_of(syncInterval="8h", imageTags=["9.5"], noProxy=None))

    assert result["action"] == "changed"
    assert result["differences"] == [
        {"field": "spec.imageTags", "before": ["9.4", "9.3"], "after": ["9.5"]},
        {"field": "spec.syncInterval", "before": "2d", "after": "8h"},
        {"field": "spec.noProxy", "before": "localhost", "after": None},
    ]
    mirror = Mirror.objects.get()
    assert (mirror.sync_interval, mirror.tag_patterns, mirror.no_proxy) == (8 * 3600, ["9.5"], None)


def test_a_dry_run_says_the_same_and_writes_nothing(api: APIClient, organization: Namespace, rung: list[int]) -> None:
    documents = [
        mirror_of(),
        resource("Repository", {"name": "acme/app", "visibility": "public"}),
        resource("Robot", {"name": "acme+mirror"}),
    ]

    entries = LogEntry.objects.count()

    foreseen = applied(api, *documents, dry_run=True)

    assert not Repository.objects.exists()
    assert not Robot.objects.exists()
    assert LogEntry.objects.count() == entries
    assert foreseen == applied(api, *documents)
    assert actions(foreseen) == ["Robot created", "Repository created", "RepositoryMirror created"]


def test_keys_that_are_missing_leave_what_is_stored(api: APIClient, ready: None) -> None:
    applied(api, mirror_of())
    [result] = applied(api, mirror_of(httpProxy=..., imageTags=..., syncInterval=...))
    assert result["action"] == "unchanged"
    assert Mirror.objects.get().http_proxy == "http://proxy:3128"


def test_secrets_come_from_the_stream_and_are_never_shown(api: APIClient, ready: None) -> None:
    with_password = mirror_of(externalRegistryUsername="reader", externalRegistryPasswordFrom=REF)
    response = api.post(APPLY, [with_password, secret(password=PASSWORD)])
    assert Mirror.objects.get().source_password == PASSWORD
    assert PASSWORD.encode() not in response.content

    changed = api.post(APPLY, [with_password, secret(password="another-secret-1")])
    assert Mirror.objects.get().source_password == "another-secret-1"
    assert changed.json()["documents"][0]["differences"] == [
        {"field": "spec.externalRegistryPassword", "before": "********", "after": "********"}
    ]
    assert "another-secret-1" not in str(list(LogEntry.objects.values()))


def test_a_secret_that_is_not_in_the_stream_leaves_the_stored_one(api: APIClient, ready: None) -> None:
    document = mirror_of(externalRegistryUsername="reader", externalRegistryPasswordFrom=REF)
    [missing] = applied(api, document)
    assert missing["error"]["field"] == "spec.externalRegistryPasswordFrom"
    assert not Mirror.objects.exists()

    applied(api, document, secret(password=PASSWORD))
    [later] = applied(api, document)
    assert later["action"] == "unchanged"
    assert "stays as it is" in later["notes"][0]

    moved = mirror_of(
        externalReference="elsewhere.example.com/app",
        externalRegistryUsername="reader",
        externalRegistryPasswordFrom=REF,
    )
    [refusal] = applied(api, moved)
    assert refusal["action"] == "failed"
    assert Mirror.objects.get().source_password == PASSWORD
    assert applied(api, moved, secret(password=PASSWORD))[0]["action"] == "changed"
    assert Mirror.objects.get().source_password == PASSWORD


def test_an_organization_is_mirrored_as_in_the_operators_example(api: APIClient, robot: Robot) -> None:
    document = resource("OrganizationMirror", ORGANIZATION_MIRROR)
    assert applied(api, document)[0]["action"] == "created"
    mirror = OrganizationMirror.objects.get()
    assert (mirror.source_type, mirror.source_url, mirror.sync_interval) == ("quay", "https://quay.io", 2 * 86400)
    assert applied(api, document)[0]["action"] == "unchanged"

    changed = ORGANIZATION_MIRROR | {"verifyTls": False, "httpsProxy": "http://p:3128", "repositoryFilters": ["a*"]}
    [result] = applied(api, resource("OrganizationMirror", changed))
    assert [difference["field"] for difference in result["differences"]] == [
        "spec.repositoryFilters",
        "spec.verifyTls",
        "spec.httpsProxy",
    ]
    assert OrganizationMirror.objects.get().registry_config == {
        "verify_tls": False,
        "proxy": {"https_proxy": "http://p:3128"},
    }
    [refusal] = applied(api, resource("OrganizationMirror", changed | {"externalRegistryType": "harbor"}))
    assert refusal["error"]["field"] == "spec.externalRegistryType"


def test_permissions_are_added_and_taken_away_only_when_asked(
    api: APIClient, ready: None, stranger: User, make_user: Callable[..., User]
) -> None:
    make_user("reader")
    perms = [{"name": "reader"}, {"name": "acme+mirror", "role": "write"}]
    applied(api, resource("Repository", {"name": "acme/app", "perms": perms}))
    assert RepositoryPermission.objects.count() == 2
    applied(api, resource("Repository", {"name": "acme/app", "perms": [{"name": "stranger", "role": "admin"}]}))
    assert RepositoryPermission.objects.count() == 3
    only = {"name": "acme/app", "append": False, "perms": [{"name": "owners", "type": "team", "role": "read"}]}
    [result] = applied(api, resource("Repository", only))
    assert result["action"] == "changed"
    assert [str(permission.team) for permission in RepositoryPermission.objects.all()] == ["acme/owners"]


def test_the_example_of_the_documentation_works(make_api: Any, superuser: User, rung: list[int]) -> None:
    example = re.search(r"```yaml\n(.*?)```", Path(ROOT, "docs/declarations.md").read_text(), re.DOTALL)
    assert example
    api = make_api(superuser, scopes=["repo:admin", "repo:create", "org:admin", "user:admin", "super:user"])
    first = api.send("POST", APPLY, example[1], content_type="application/yaml").json()
    assert first["counts"] == {"created": 4, "changed": 0, "unchanged": 0, "failed": 0}
    assert Mirror.objects.get().source_password == "source-password"
    second = api.send("POST", APPLY, example[1], content_type="application/yaml").json()
    assert second["counts"]["unchanged"] == 4
