"""What is written to the audit log, by whom, and what never gets into it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser

from mirrors.models import Application, LogEntry, Namespace, Repository, Robot, User
from mirrors.services.accounts import access_tokens
from mirrors.services.logs import log_entries
from mirrors.services.logs.log_entries import acting, identify, record
from mirrors.services.storable import LONGEST_MESSAGE

pytestmark = pytest.mark.django_db


def test_an_entry_names_the_repository_its_namespace_and_what_was_done(repository: Repository) -> None:
    entry = record("change_repo_state", repository=repository, state_changed="MIRROR")

    entry.refresh_from_db()
    assert (entry.kind, entry.namespace_name, entry.repository_name) == ("change_repo_state", "acme", "app")
    assert (entry.repository, entry.namespace) == (repository, repository.namespace)
    assert entry.metadata == {"namespace": "acme", "repo": "app", "state_changed": "MIRROR"}


def test_outside_of_any_request_the_farm_itself_acts(repository: Repository) -> None:
    entry = record("create_repo", repository=repository)

    assert (entry.performer, entry.performer_name, entry.ip) == (None, "", None)


def test_within_acting_the_account_and_its_address_are_kept(repository: Repository, owner: User) -> None:
    with acting(owner, ip="192.0.2.7", user_agent="Python-urllib/3.11"):
        entry = record("create_repo", repository=repository)
    after = record("create_repo", repository=repository)

    assert (entry.performer, entry.performer_name, entry.ip) == (owner, "owner", "192.0.2.7")
    assert entry.metadata["user-agent"] == "Python-urllib/3.11"
    assert (after.performer_name, after.ip) == ("", None)


def test_an_acting_within_another_ends_where_it_began(owner: User, stranger: User) -> None:
    with acting(owner):
        with acting(stranger):
            inner = record("login_success")
        outer = record("login_success")

    assert (inner.performer, outer.performer) == (stranger, owner)


def test_nobody_is_the_farm_with_an_address(organization: Namespace) -> None:
    with acting(AnonymousUser(), ip="192.0.2.7"):
        entry = record("login_failure", namespace=organization)

    assert (entry.performer, entry.performer_name, entry.ip) == (None, "", "192.0.2.7")


def test_a_robot_is_kept_by_its_full_name(repository: Repository, robot: Robot) -> None:
    entry = record("repo_mirror_sync_started", repository=repository, performer=robot)

    assert (entry.performer, entry.performer_name) == (None, "acme+mirror")


def test_the_account_that_is_named_goes_before_the_one_that_acts(owner: User, stranger: User) -> None:
    with acting(owner):
        assert record("login_success", performer=stranger).performer == stranger


def test_a_token_leaves_its_application_in_the_entry(organization: Namespace, owner: User) -> None:
    token, text = access_tokens.issue_token(owner, name="pipeline", scopes=["org:admin"])
    token.application = Application.objects.create(namespace=organization, name="Deployer")

    with acting(AnonymousUser(), user_agent="curl/8"):
        identify(owner, token=token)
        entry = record("org_create", namespace=organization)

    assert entry.metadata == {
        "namespace": "acme",
        "user-agent": "curl/8",
        "kind": "oauth",
        "username": "owner",
        "oauth_token_id": token.pk,
        "oauth_token_application_id": token.application.client_id,
        "oauth_token_application": "Deployer",
    }
    assert text not in str(entry.metadata)


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("external_registry_password", "hunter2", "********"),
        ("external_registry_password", None, None),
        ("client_secret", "abc", "********"),
        ("token", "abc", "********"),
        ("Authorization", "Bearer abc", "********"),
        ("oauth_token_id", 7, 7),
        ("http_proxy", "user:hunter2@proxy:3128", "user:********@proxy:3128"),
        ("http_proxy", None, None),
        ("external_registry_url", "https://ada:hun/ter@2@host/x", "https://ada:********@host/x"),
        ("message", "at https://ada:hunter2@host/x it failed", "at https://ada:********@host/x it failed"),
        ("message", "sent Authorization: Bearer abcdefghijk", "sent Authorization: Bearer ********"),
        (
            "stderr",
            "at https://s3/x?X-Amz-Signature=0ab&X-Amz-Date=1",
            "at https://s3/x?X-Amz-Signature=********&X-Amz-Date=1",
        ),
        ("stderr", "at https://blob/x?sv=1&sig=0ab%3D it broke", "at https://blob/x?sv=1&sig=******** it broke"),
        ("stderr", '{"identitytoken": "abc", "auth":"YTpi"}', '{"identitytoken": "********", "auth":"********"}'),
        ("external_reference", "host:5000/a@sha256:0ab", "host:5000/a@sha256:0ab"),
        (
            "config",
            {"url": "https://u:hunter2@h/", "password": "x"},
            {"url": "https://u:********@h/", "password": "********"},
        ),
        ("updated_fields", ["a", "b"], ["a", "b"]),
        ("stderr", "a\0b\ud800", "a\ufffdb\ufffd"),
        ("is_enabled", True, True),
    ],
)
def test_nothing_secret_gets_into_the_metadata(repository: Repository, key: str, value: object, kept: object) -> None:
    entry = record("any", repository=repository, **{key: value})

    entry.refresh_from_db()
    assert entry.metadata[key] == kept


@pytest.mark.parametrize(
    ("changed", "to", "kept"),
    [
        ("external_registry_password", "hunter2", "********"),
        ("external_registry_password", None, None),
        ("https_proxy", "user:hunter2@proxy:3128", "user:********@proxy:3128"),
        ("sync_interval", 60, 60),
    ],
)
def test_the_new_value_of_a_secret_setting_is_masked(
    repository: Repository, changed: str, to: object, kept: object
) -> None:
    entry = record("repo_mirror_config_changed", repository=repository, changed=changed, to=to)

    assert entry.metadata["to"] == kept


def test_megabytes_of_text_are_masked_in_a_moment_and_cut_off(repository: Repository) -> None:
    """What a request may hold: looked through once, not once for each letter."""
    url = "https://ada:a-password@example.com"
    entry = record("set_repo_description", repository=repository, description=f"1{url} {'x' * 2_000_000}")
    assert entry.metadata["description"].startswith("1https://ada:********@example.com xxx")
    assert len(entry.metadata["description"]) == LONGEST_MESSAGE


def test_an_entry_outlives_what_it_tells_of(repository: Repository, owner: User) -> None:
    with acting(owner):
        record("delete_repo", repository=repository)
    repository.delete()
    owner.delete()

    entry = LogEntry.objects.get()
    assert (entry.repository, entry.performer) == (None, None)
    assert (entry.namespace_name, entry.repository_name, entry.performer_name) == ("acme", "app", "owner")


def test_identify_names_who_acts_until_the_request_ends(owner: User) -> None:
    with acting(AnonymousUser(), ip="192.0.2.7"):
        log_entries.identify(owner)
        entry = record("login_success")

    assert (entry.performer, entry.ip) == (owner, "192.0.2.7")
    assert record("login_success").performer is None


def test_many_entries_are_written_in_one_statement(
    repository: Repository, django_assert_num_queries: SimpleNamespace
) -> None:
    entries = [
        log_entries.entry_of("repo_mirror_sync_tag_success", repository=repository, tag=str(n)) for n in range(50)
    ]

    with django_assert_num_queries(1):
        log_entries.record_all(entries)
    assert LogEntry.objects.count() == 50
