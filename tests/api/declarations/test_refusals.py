"""POST /v1/apply: what is refused, whole or in part, and how that is said."""

from __future__ import annotations

from typing import Any

import pytest

from mirrors.api.declarations.declarations import SEATS
from mirrors.models import (
    Mirror,
    Namespace,
    Repository,
    Robot,
    User,
)
from mirrors.services import declarations
from tests.api.conftest import APIClient
from tests.api.declarations.resources import (
    APPLY,
    ORGANIZATION_MIRROR,
    PASSWORD,
    REF,
    applied,
    mirror_of,
    refused,
    resource,
    secret,
)


def test_the_environment_of_the_server_cannot_be_read_over_the_api(api: APIClient, ready: None) -> None:
    text = refused(api, mirror_of(externalRegistryPasswordFrom={"env": "SECRET_KEY"}))
    assert "over the API" in text


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (mirror_of(syncIntervall="2d"), "RepositoryMirror acme/app: spec.syncIntervall is unknown. Did you mean sync"),
        (mirror_of(imageTags="latest"), "RepositoryMirror acme/app: spec.imageTags must be a list."),
        (mirror_of(imageTags=["v1", 9]), "spec.imageTags element 2 must be text: put it in quotes."),
        (mirror_of(isEnabled="yes"), "spec.isEnabled must be true or false."),
        (mirror_of(syncInterval="often"), "spec.syncInterval must be a time such as 30m"),
        (mirror_of(syncStartDate="tomorrow"), "spec.syncStartDate must be a time in UTC such as"),
        (mirror_of(indexMode="odd"), "spec.indexMode must be sparse or rewritten."),
        (mirror_of(name=...), "Document 1, RepositoryMirror: spec.name is required."),
        (mirror_of(name="acme/\0"), "spec.name has a character that cannot be stored."),
        (mirror_of(name=5), "Document 1, RepositoryMirror: spec.name is required."),
        (mirror_of() | {"kind": "Team"}, "Document 1: kind must be one of Organization, Robot,"),
        (mirror_of() | {"apiVersion": "v1"}, "apiVersion must be quay.herve4m.github.io/v1alpha1."),
        (mirror_of() | {"spec": []}, "spec.name is required."),
        ("text", "Document 1: must be an object"),
        (mirror_of(httpProxy="a", httpProxyFrom=REF), "is there twice"),
        (mirror_of(externalRegistryPasswordFrom="x"), "spec.externalRegistryPasswordFrom must be {secretKeyRef"),
        (resource("Repository", {"name": "acme/app", "perms": [{"role": "read"}]}), "spec.perms must be a list of"),
        ({"apiVersion": "v1", "kind": "Secret"}, "Secret (document 1): metadata.name is required."),
        (secret() | {"data": {"a": "no base64 \u00e9"}}, "Secret source: data must be base64"),
    ],
)
def test_a_malformed_document_is_named_with_its_key_and_nothing_is_applied(
    api: APIClient, ready: None, document: Any, expected: str
) -> None:
    assert expected in refused(api, document, resource("Robot", {"name": "acme+other"}))
    assert Robot.objects.count() == 1


def test_a_document_that_is_there_twice_is_refused(api: APIClient, ready: None) -> None:
    assert refused(api, mirror_of(), mirror_of()) == "RepositoryMirror acme/app: is declared twice."


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"externalReference": "10.0.0.1/app"}, "spec.externalReference", "not allowed"),
        ({"externalReference": ...}, "spec.externalReference", "required"),
        ({"robotUsername": "acme+nobody"}, "spec.robotUsername", "does not exist"),
        ({"imageTags": []}, "spec.imageTags", "tag pattern"),
        ({"skopeoTimeout": "5"}, "spec.skopeoTimeout", "300"),
        ({"platforms": ["what/ever/is/this"]}, "spec.platforms", "platform"),
        ({"name": "acme/other"}, None, "Declare it with a document of the kind Repository"),
        ({"externalRegistryPassword": PASSWORD}, "spec.externalRegistryPassword", "username"),
    ],
)
def test_what_is_refused_names_the_key_and_the_rest_is_applied(
    api: APIClient, ready: None, changes: dict[str, Any], field: str | None, text: str
) -> None:
    robot, failed = applied(api, mirror_of(**changes), resource("Robot", {"name": "acme+other"}))

    assert (robot["action"], failed["action"]) == ("created", "failed")
    assert failed["error"]["field"] == field
    assert text in failed["error"]["message"]
    assert PASSWORD not in str(failed)
    assert not Mirror.objects.exists()
    assert Repository.objects.get().state == "NORMAL"


def test_rights_and_scopes_are_those_of_the_caller(
    api: APIClient, stranger_api: APIClient, anonymous_api: APIClient, ready: None, owner: User, make_api: Any
) -> None:
    assert anonymous_api.post(APPLY, [mirror_of()]).status_code in (401, 403)
    [hidden] = applied(stranger_api, mirror_of())
    assert "There is no repository acme/app" in hidden["error"]["message"]
    [denied] = applied(stranger_api, resource("Robot", {"name": "acme+mirror"}))
    assert "administer acme" in denied["error"]["message"]
    narrow = make_api(owner, scopes=["repo:admin"])
    for document in (
        resource("Robot", {"name": "acme+mirror"}),
        resource("OrganizationMirror", ORGANIZATION_MIRROR),
        resource("Organization", {"name": "another"}),
    ):
        [result] = applied(narrow, document)
        assert "lacks the scope" in result["error"]["message"]
    assert applied(narrow, mirror_of())[0]["action"] == "created"
    assert applied(stranger_api, resource("Organization", {"name": "another"}))[0]["action"] == "created"


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"a: &x [1]\nb: *x\n", "application/yaml", 400),
        (b"a: 1\na: 2\n", "application/yaml", 400),
        (b"[" * 50000, "application/yaml", 400),
        (b"[" * 50000, "application/json", 400),
        (b"\xff\xfe\xfa", "application/yaml", 400),
        (b"!!python/object/apply:os.system [id]\n", "application/yaml", 400),
        (b"? [a]\n: b\n", "application/yaml", 400),
        (b"a: [", "application/yaml", 400),
        (b"{a: " * 60 + b"1" + b"}" * 60, "application/yaml", 400),
        (b"a: " + b"9" * 5000, "application/yaml", 400),
        (b'a: !!bool "maybe"', "application/yaml", 400),
        (b'a: !!timestamp "now"', "application/yaml", 400),
        (b"a: !!set {b}", "application/yaml", 400),
        (b"a: !!float 1" + b":1" * 5000, "application/yaml", 400),
        (b"[" + b"a," * 210_000 + b"]", "application/yaml", 400),
        (b"---\n" * 20, "application/yaml", 200),
        (b"{}\n---\n" * 1001, "application/yaml", 400),
        (b'{"kind": "a\\ud800"}', "application/json", 400),
        (b'kind: "a\\ud800"', "application/yaml", 400),
        (b"", "application/json", 400),
        (b"a: 1", "text/plain", 415),
        (b"", "", 415),
    ],
)
def test_odd_streams_are_refused_with_a_sentence(
    api: APIClient, organization: Namespace, content: bytes, content_type: str, status: int
) -> None:
    response = api.send("POST", APPLY, content, content_type=content_type)
    assert response.status_code == status, response.content


def test_two_streams_at_a_time_and_no_more(api: APIClient, organization: Namespace) -> None:
    with SEATS.taken(), SEATS.taken():
        response = api.send("POST", APPLY, b"", content_type="application/yaml")
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert api.send("POST", APPLY, b"", content_type="application/yaml").status_code == 200


def test_fractions_and_dates_stay_as_they_are_written() -> None:
    [document] = declarations.read_yaml(
        b"tags: [9.40, 2026-04-27, 2026-04-27T13:00:00Z, 1e3, 1:30:00, 0755, 1_000]\nnumbers: [9, -5, 0]\nyes: no\n"
    )
    assert document["tags"] == ["9.40", "2026-04-27", "2026-04-27T13:00:00Z", "1e3", "1:30:00", "0755", "1_000"]
    assert document["numbers"] == [9, -5, 0]


def test_numbers_to_the_base_of_60_are_not_worked_out() -> None:
    """YAML 1.1 has them; one of two megabytes would take a quarter of an hour."""
    [document] = declarations.read_yaml(b"a: 1" + b":1" * 1_000_000)
    assert len(document["a"]) == 2_000_001


def test_a_secret_that_yaml_takes_for_something_else_is_not_repeated(api: APIClient, organization: Namespace) -> None:
    for value in (
        "!hunter2-password",
        "&hunter2-password x",
        "*hunter2-password",
        "@hunter2-password",
        "%hunter2-password",
    ):
        content = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  password: {value}\n"
        response = api.send("POST", APPLY, content, content_type="application/yaml")
        assert response.status_code == 400
        assert b"hunter2" not in response.content
