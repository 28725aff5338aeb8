"""The Ansible collection's modules against a live server: what they change, and that a second run changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from mirrors.models import Mirror, Namespace, Repository, Robot, Sync, User
from mirrors.models.sync import Status
from tests.contract.collection import Client, ModuleFailed, modules
from tests.contract.collection import accounts as more

pytestmark = pytest.mark.django_db(transaction=True)

ORGANIZATION_MIRROR: dict[str, Any] = {
    "external_registry_type": "quay",
    "external_registry_url": "https://quay.io",
    "external_namespace": "projectquay",
    "robot_username": "mirrored+puller",
    "visibility": "public",
    "sync_interval": 172800,
    "sync_start_date": "2026-01-01T00:00:00Z",
    "repository_filters": ["quay", "clair", "redis"],
    "skopeo_timeout": 300,
    "is_enabled": True,
}
MIRROR: dict[str, Any] = {
    "external_reference": "registry.access.redhat.com/ubi9-micro",
    "robot_username": "acme+mirror",
    "root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["9.4", "9.3"]},
    "sync_interval": 172800,
    "sync_start_date": "2026-01-01T00:00:00Z",
    "is_enabled": True,
    "external_registry_config": {
        "verify_tls": True,
        "proxy": {"http_proxy": "http://proxy.example.com:3128", "no_proxy": "localhost"},
    },
}


def second_run_changes_nothing(client: Client, run: Any) -> None:
    client.forget()
    assert run() is False
    assert client.writes == []


def test_organization_mirror_is_created_once(client: Client, empty_organization: Namespace) -> None:
    def run() -> bool:
        return modules.organization_mirror(client, "mirrored", **ORGANIZATION_MIRROR)

    assert run() is True
    assert [str(call) for call in client.calls] == [
        "GET organization/mirrored -> 200",
        "GET organization/mirrored/mirror -> 404",
        "POST organization/mirrored/mirror -> 201",
    ]
    second_run_changes_nothing(client, run)


def test_organization_mirror_is_changed_only_where_it_differs_and_is_removed(
    client: Client, empty_organization: Namespace
) -> None:
    modules.organization_mirror(client, "mirrored", **ORGANIZATION_MIRROR)
    changed = ORGANIZATION_MIRROR | {"repository_filters": ["quay"], "external_registry_config": {"verify_tls": False}}
    client.forget()

    assert modules.organization_mirror(client, "mirrored", **changed) is True
    assert client.writes == ["PUT organization/mirrored/mirror"]
    second_run_changes_nothing(client, lambda: modules.organization_mirror(client, "mirrored", **changed))

    assert modules.organization_mirror(client, "mirrored", state="absent") is True
    second_run_changes_nothing(client, lambda: modules.organization_mirror(client, "mirrored", state="absent"))


def test_organization_mirror_asks_for_a_sync_once_while_it_is_under_way(
    client: Client, empty_organization: Namespace
) -> None:
    def run() -> bool:
        return modules.organization_mirror(client, "mirrored", force_sync=True, **ORGANIZATION_MIRROR)

    assert run() is True
    assert client.writes[-1] == "POST organization/mirrored/mirror/sync-now"
    second_run_changes_nothing(
        client,
        lambda: modules.organization_mirror(
            client, "mirrored", force_sync=True, **{**ORGANIZATION_MIRROR, "sync_start_date": _start(client)}
        ),
    )


def _start(client: Client) -> str:
    """A request for a sync of an organization makes it due now, as in Quay."""
    start: str = client.get("organization/mirrored/mirror")["sync_start_date"]
    return start


def test_organization_mirror_of_a_missing_organization_fails_or_is_absent_already(client: Client, app: str) -> None:
    with pytest.raises(ModuleFailed, match="does not exist"):
        modules.organization_mirror(client, "gone", **ORGANIZATION_MIRROR)
    assert modules.organization_mirror(client, "gone", state="absent") is False


def test_organization_mirror_shows_the_reason_of_a_refusal(client: Client, empty_organization: Namespace) -> None:
    with pytest.raises(ModuleFailed, match="skopeo_timeout"):
        modules.organization_mirror(client, "mirrored", **ORGANIZATION_MIRROR | {"skopeo_timeout": 3601})


def test_repository_mirror_is_created_once(client: Client, app: str) -> None:
    def run() -> bool:
        return modules.repository_mirror(client, app, **MIRROR)

    assert run() is True
    assert [str(call) for call in client.calls] == [
        "GET user/ -> 200",
        "GET organization/acme -> 200",
        "GET repository/acme/app/mirror -> 404",
        "POST repository/acme/app/mirror -> 201",
    ]
    second_run_changes_nothing(client, run)


def test_repository_mirror_takes_the_modules_defaults(client: Client, app: str) -> None:
    modules.repository_mirror(
        client, app, **{name: MIRROR[name] for name in ("external_reference", "robot_username", "root_rule")}
    )

    mirror = Mirror.objects.get()
    assert (mirror.is_enabled, mirror.sync_interval, mirror.timeout_seconds) == (False, 86400, 300)


def test_repository_mirror_is_changed_with_the_merged_configuration(client: Client, app: str) -> None:
    modules.repository_mirror(client, app, **MIRROR)
    wanted = MIRROR | {"external_registry_config": {"proxy": {"https_proxy": "http://proxy.example.com:3129"}}}
    client.forget()

    assert modules.repository_mirror(client, app, **wanted) is True
    assert client.writes == ["PUT repository/acme/app/mirror"]
    mirror = Mirror.objects.get()
    assert (mirror.http_proxy, mirror.https_proxy) == ("http://proxy.example.com:3128", "http://proxy.example.com:3129")
    second_run_changes_nothing(client, lambda: modules.repository_mirror(client, app, **wanted))


def test_repository_mirror_with_a_password_or_stray_unsigned_images_always_changes_something(
    client: Client, app: str
) -> None:
    credentials = {"external_registry_username": "reader", "external_registry_password": "secret-9Xw2"}
    modules.repository_mirror(client, app, **MIRROR)

    for extra in (credentials, {"unsigned_images": True}):
        for _ in range(2):
            client.forget()
            assert modules.repository_mirror(client, app, **MIRROR, **extra) is True
            assert client.writes == ["PUT repository/acme/app/mirror"]
    assert Mirror.objects.get().source_password == "secret-9Xw2"


def test_repository_mirror_asks_for_a_sync_unless_one_is_under_way(client: Client, app: str, rung: list[int]) -> None:
    modules.repository_mirror(client, app, force_sync=True, **MIRROR)
    assert len(rung) == 1
    second_run_changes_nothing(client, lambda: modules.repository_mirror(client, app, force_sync=True, **MIRROR))

    sync = Sync.objects.get()
    assert sync.start(worker="w1", snapshot={})
    second_run_changes_nothing(client, lambda: modules.repository_mirror(client, app, force_sync=True, **MIRROR))

    assert sync.succeed(message="Done.")
    assert Sync.objects.get().status == Status.SUCCEEDED
    assert modules.repository_mirror(client, app, force_sync=True, **MIRROR) is True
    assert client.writes == ["POST repository/acme/app/mirror/sync-now"]


def test_repository_mirror_shows_the_true_error_though_it_tries_twice(client: Client, app: str) -> None:
    wrong = MIRROR | {"external_reference": "https://registry.example.com/team/app"}

    with pytest.raises(ModuleFailed, match="scheme"):
        modules.repository_mirror(client, app, **wrong)
    assert client.writes == ["POST repository/acme/app/mirror"] * 2


def test_a_repository_that_has_gone_does_not_hold_up_the_operators_finalizer(client: Client, app: str) -> None:
    # Deleting a RepositoryMirror resource is this module with is_enabled false; only `not_found` is put up with.
    modules.repository_mirror(client, app, **MIRROR)
    assert modules.repository_mirror(client, app, **MIRROR | {"is_enabled": False}) is True
    modules.repository(client, app, state="absent")

    with pytest.raises(ModuleFailed, match="not_found"):
        modules.repository_mirror(client, app, **MIRROR | {"is_enabled": False})


def test_repository_mirror_of_a_missing_namespace_fails_in_words(client: Client) -> None:
    with pytest.raises(ModuleFailed, match="The gone namespace does not exist"):
        modules.repository_mirror(client, "gone/app", **MIRROR)


def test_repository_mirror_works_in_ones_own_namespace(client: Client, owner: User) -> None:
    namespace = Namespace.objects.get(user=owner)
    Robot.objects.create(namespace=namespace, name="mirror")
    Repository.objects.create(namespace=namespace, name="app")

    assert modules.repository_mirror(client, "owner/app", **MIRROR | {"robot_username": "owner+mirror"}) is True


def test_repository_is_created_mirrored_and_starred_with_its_permissions(
    client: Client, organization: Namespace, robot: Robot, stranger: User
) -> None:
    wanted: dict[str, Any] = {
        "description": "Copied from elsewhere",
        "visibility": "public",
        "repo_state": "MIRROR",
        "star": True,
        "perms": [
            {"name": "acme+mirror", "type": "robot", "role": "write"},
            {"name": "stranger", "type": "user", "role": "read"},
            {"name": "owners", "type": "team", "role": "admin"},
        ],
    }

    assert modules.repository(client, "acme/new", **wanted) is True
    made = Repository.objects.get(name="new")
    assert (made.state, made.visibility, made.description) == ("MIRROR", "public", "Copied from elsewhere")
    assert sorted(made.permissions.values_list("role", flat=True))[-2:] == ["read", "write"]
    second_run_changes_nothing(client, lambda: modules.repository(client, "acme/new", **wanted))


def test_repository_is_changed_where_it_differs_and_removed(client: Client, app: str) -> None:
    client.forget()

    assert modules.repository(client, app, description="New", visibility="public", repo_state="READ_ONLY", perms=[])
    assert [write for write in client.writes if "permissions" not in write] == [
        "PUT repository/acme/app",
        "POST repository/acme/app/changevisibility",
        "PUT repository/acme/app/changestate",
    ]
    assert modules.repository(client, app, state="absent") is True
    second_run_changes_nothing(client, lambda: modules.repository(client, app, state="absent"))
    second_run_changes_nothing(client, lambda: modules.repository(client, "gone/app", state="absent"))


def test_robot_is_made_once_and_removed(client: Client, organization: Namespace) -> None:
    def run() -> bool:
        return more.robot(client, "acme+deployer", description="For the pipeline", federations=federations)

    federations = [{"issuer": "https://issuer.example.com", "subject": "pipeline"}]
    assert run() is True
    second_run_changes_nothing(client, run)
    assert more.robot(client, "acme+deployer", state="absent") is True
    second_run_changes_nothing(client, lambda: more.robot(client, "acme+deployer", state="absent"))


def test_a_robot_that_a_mirror_uses_stays(client: Client, app: str) -> None:
    modules.repository_mirror(client, app, **MIRROR)

    # The collection takes 400 for "already gone".
    assert more.robot(client, "acme+mirror", state="absent") is False
    assert Robot.objects.filter(name="mirror").exists()


@pytest.mark.parametrize("event", ["started", "success", "failed"])
def test_notification_is_made_once_tested_and_removed(client: Client, app: str, event: str) -> None:
    def run(**options: Any) -> bool:
        return more.notification(
            client,
            app,
            title="told",
            event=f"repo_mirror_sync_{event}",
            method="slack",
            config={"url": "https://hooks.slack.com/services/x"},
            **options,
        )

    assert run() is True
    second_run_changes_nothing(client, run)
    second_run_changes_nothing(client, lambda: run(reset=True))
    assert run(test=True) is True
    assert more.notification(client, app, title="told", state="absent") is True
    second_run_changes_nothing(client, lambda: more.notification(client, app, title="told", state="absent"))


def test_notification_of_the_farms_own_kind_reaches_a_user(client: Client, app: str) -> None:
    target = {"target": {"kind": "user", "name": "owner"}}

    assert more.notification(
        client, app, title="inbox", event="repo_mirror_sync_failed", method="quay_notification", config=target
    )
    assert client.get("user/notifications")["notifications"] == []
