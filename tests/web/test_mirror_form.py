"""The form of the Mirroring tab: setting up, changing, and every refusal beside its field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from mirrors.models import Mirror, Namespace, Repository, Robot
from mirrors.services.mirroring import mirrors
from tests.web.conftest import shown_form, tab

pytestmark = pytest.mark.django_db
Save = Callable[..., HttpResponse]
SAVED = "Mirror configuration saved successfully"
NOT_SAVED = "Error saving mirror configuration"


def error_beside(page: str, field: str) -> str:
    """The words of a field's first error."""
    _, _, rest = page.partition(f'id="id_{field}_error"')
    return rest.partition('item-text">')[2].partition("</span>")[0]


def test_the_empty_form_has_quays_defaults_and_verifies_tls(client: Client, repository: Repository) -> None:
    page = client.get(tab(repository)).text
    assert "External Repository" in page
    assert "Enable Mirror" in page
    form = shown_form(client, repository)
    assert (form["sync_interval"], form["sync_interval_unit"], form["timeout_seconds"]) == ("24", "3600", "300")
    assert form["verify_tls"] == "on"
    assert (form["index_mode"], form["copies_referrers"]) == ("sparse", "on")
    assert not {"unsigned_images", "copies_foreign_layers"} & set(form)
    assert "All architectures of multi-arch images will be mirrored." in page


def test_enabling_a_mirror_saves_what_was_typed(
    save: Save, client: Client, repository: Repository, robot: Robot
) -> None:
    response = save(
        repository,
        source_reference="quay.io/acme/app",
        tag_patterns=" latest, v1.*,, latest ",
        architectures=["amd64", "arm64"],
        start_date="2030-01-02",
        start_time="03:04",
        sync_interval="2",
        sync_interval_unit="604800",
        timeout_seconds="600",
        source_username="reader",
        source_password="pass word ",
        unsigned_images="on",
        http_proxy="http://me:secret@proxy.example.com:3128",
        no_proxy="example.com",
    )
    assert response.url == tab(repository)
    mirror = Mirror.objects.get()
    assert mirror.tag_patterns == ["latest", "v1.*"]
    assert mirror.platforms == ["amd64", "arm64"]
    assert mirror.starts_at == mirror.next_sync_at == datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
    assert (mirror.sync_interval, mirror.timeout_seconds, mirror.robot) == (2 * 604800, 600, robot)
    assert (mirror.source_username, mirror.source_password) == ("reader", "pass word ")
    assert (mirror.verify_tls, mirror.unsigned_images, mirror.no_proxy) == (True, True, "example.com")
    assert mirror.http_proxy == "http://me:secret@proxy.example.com:3128"
    repository.refresh_from_db()
    assert repository.state == Repository.State.MIRROR
    page = client.get(tab(repository)).text
    assert SAVED in page
    assert "Update Mirror" in page
    assert "Only amd64, arm64 architecture(s) will be mirrored." in page


def test_a_mirror_without_a_start_is_due_at_once(save: Save, repository: Repository) -> None:
    save(repository)
    assert abs(Mirror.objects.get().next_sync_at - timezone.now()) < timedelta(minutes=1)


REFUSALS = [
    (
        {"source_reference": ""},
        "source_reference",
        "This field is required. Write it like quay.io/organization/repository.",
    ),
    ({"source_reference": "https://quay.io/acme/app"}, "source_reference", "A reference has no scheme."),
    ({"source_reference": "quay.io/acme/app:v1"}, "source_reference", "ends with the tag"),
    ({"source_reference": "169.254.169.254/a/b"}, "source_reference", "The provided registry location is not allowed"),
    ({"tag_patterns": ""}, "tag_patterns", "This field is required. Give at least one pattern"),
    ({"tag_patterns": " , ,"}, "tag_patterns", "At least one tag pattern is required"),
    ({"architectures": "riscv"}, "architectures", "riscv is not one of the available choices"),
    ({"other_platforms": "linux/arm/v7, windows"}, "other_platforms", "Write it like linux/amd64"),
    ({"other_platforms": "amd64/linux"}, "other_platforms", "has an operating system where its architecture belongs"),
    ({"index_mode": "thick"}, "index_mode", "Select a valid choice"),
    ({"start_date": "2030-01-02"}, "start_date", "Give both a date and a time"),
    ({"start_time": "03:04"}, "start_date", "Give both a date and a time"),
    ({"start_date": "soon", "start_time": "03:04"}, "start_date", "Invalid date"),
    ({"start_date": "2030-01-02", "start_time": "soon"}, "start_time", "Invalid time format"),
    ({"sync_interval": ""}, "sync_interval", "This field is required"),
    ({"sync_interval": "0"}, "sync_interval", "Must be a positive number"),
    ({"sync_interval": "-1"}, "sync_interval", "Must be a positive number"),
    ({"sync_interval": "often"}, "sync_interval", "Must be a positive number"),
    ({"sync_interval": "99999999999"}, "sync_interval", "The sync interval must be"),
    ({"timeout_seconds": "299"}, "timeout_seconds", "Minimum timeout is 300 seconds (5 minutes)"),
    ({"timeout_seconds": "43201"}, "timeout_seconds", "Maximum timeout is 43200 seconds (12 hours)"),
    ({"timeout_seconds": ""}, "timeout_seconds", "This field is required"),
    ({"robot": ""}, "robot", "This field is required. Choose a robot user"),
    ({"robot": "999999"}, "robot", "There is no such robot user any more"),
    ({"robot": "", "new_robot": "Not A Name"}, "new_robot", "Use 2 to 255 lower-case letters and digits"),
    ({"new_robot": "mirror"}, "new_robot", "Existing robot with name: acme+mirror"),
    ({"source_password": "x"}, "source_username", "Username is required when setting a password"),
    ({"source_username": "x" * 4097}, "source_username", "at most 4096 characters"),
    ({"http_proxy": "x" * 1001}, "http_proxy", "at most 1000 characters"),
    ({"no_proxy": "a\x01b"}, "no_proxy", "Control characters"),
]


@pytest.mark.parametrize(("typed", "field", "words"), REFUSALS, ids=[f"{f}: {w[:40]}" for _, f, w in REFUSALS])
def test_a_refusal_stands_beside_its_field_and_nothing_is_saved(
    save: Save, repository: Repository, typed: dict[str, str], field: str, words: str
) -> None:
    response = save(repository, **typed)
    assert response.status_code == 422
    assert NOT_SAVED in response.text
    assert words.replace("'", "&#x27;") in (error_beside(response.text, field) or response.text)
    assert f'id="id_{field}_error"' in response.text
    assert not Mirror.objects.exists()


def test_all_mistakes_are_shown_at_once(save: Save, repository: Repository) -> None:
    page = save(repository, source_reference="http://x", tag_patterns=",", sync_interval="0", robot="").text
    for field in ("source_reference", "tag_patterns", "sync_interval", "robot"):
        assert error_beside(page, field), field


def test_what_was_typed_stays_except_the_password(save: Save, repository: Repository) -> None:
    page = save(
        repository,
        source_reference="https://quay.io/acme/app",
        tag_patterns="v7*",
        architectures=["s390x"],
        source_username="reader",
        source_password="typed-secret",
        http_proxy="http://typed.example.com",
        verify_tls=None,
    ).text
    for typed in ("https://quay.io/acme/app", "v7*", "reader", "http://typed.example.com"):
        assert f'value="{typed}"' in page
    assert "Only s390x architecture(s) will be mirrored." in page
    assert "typed-secret" not in page
    assert 'id="verify_tls" checked' not in page


def test_a_field_with_an_error_says_so_to_screen_readers(save: Save, repository: Repository) -> None:
    page = save(repository, tag_patterns="").text
    control = page[page.index('id="tags"') - 400 : page.index('id="tags"') + 400]
    assert 'aria-invalid="true"' in control
    assert "id_tag_patterns_error" in control


def test_a_new_robot_is_made_with_the_mirror(save: Save, repository: Repository) -> None:
    save(repository, robot="", new_robot="nightly")
    assert Mirror.objects.get().robot.full_name == "acme+nightly"


def test_a_new_robot_is_not_made_when_the_mirror_is_refused(
    save: Save, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What only the service can know: somebody else was faster.
    monkeypatch.setattr("mirrors.web.mirroring.mirror_of", lambda repository: None)
    save(repository)
    response = save(repository, source_reference="quay.io/acme/app", tag_patterns="*", robot="", new_robot="nightly")
    assert response.status_code == 422
    assert "Mirror configuration already exi" in response.text
    assert not Robot.objects.filter(name="nightly").exists()


def test_a_namespace_without_robots_gets_a_mirror_in_one_go(client: Client, repository: Repository) -> None:
    values = shown_form(client, repository)
    values |= {"source_reference": "quay.io/acme/app", "tag_patterns": "*", "new_robot": "mirror"}
    assert client.post(tab(repository), values).status_code == 302
    assert Mirror.objects.get().robot.full_name == "acme+mirror"


def test_another_namespaces_robot_cannot_be_chosen(save: Save, repository: Repository) -> None:
    other = Robot.objects.create(namespace=Namespace.objects.create(name="other"), name="thief")
    assert error_beside(save(repository, robot=str(other.pk)).text, "robot")


def test_the_form_shows_the_configuration(client: Client, make_mirror: Callable[..., Mirror], robot: Robot) -> None:
    due = datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)
    mirror = make_mirror(tag_patterns=["latest", "v3.*"], sync_interval=7200, timeout_seconds=900, next_sync_at=due)
    form = shown_form(client, mirror.repository)
    assert form["source_reference"] == "registry.example.com/team/app"
    assert form["tag_patterns"] == "latest, v3.*"
    assert (form["sync_interval"], form["sync_interval_unit"]) == ("2", "3600")
    assert (form["start_date"], form["start_time"]) == ("2030-05-06", "07:08")
    assert (form["timeout_seconds"], form["robot"]) == ("900", str(robot.pk))
    assert "Next Sync Date" in client.get(tab(mirror.repository)).text


def test_saving_an_unchanged_form_changes_nothing(save: Save, make_mirror: Callable[..., Mirror]) -> None:
    mirror = make_mirror(platforms=["amd64"], verify_tls=None, http_proxy=None, no_proxy=None)
    mirror.source_username, mirror.source_password, mirror.http_proxy = (
        "reader",
        "secret",
        "http://u:p@proxy.example.com",
    )
    mirror.save()
    before = Mirror.objects.values().get()
    assert save(mirror.repository).status_code == 302
    after = Mirror.objects.values().get()
    before.pop("updated_at"), after.pop("updated_at")
    assert after == before


def test_two_editors_do_not_undo_each_other(client: Client, mirror: Mirror) -> None:
    first, second = shown_form(client, mirror.repository), shown_form(client, mirror.repository)
    client.post(tab(mirror.repository), first | {"tag_patterns": "v1"})
    client.post(tab(mirror.repository), second | {"sync_interval": "5", "sync_interval_unit": "60"})
    mirror.refresh_from_db()
    assert (mirror.tag_patterns, mirror.sync_interval) == (["v1"], 300)


def test_a_form_that_stood_open_over_a_sync_leaves_the_schedule_alone(client: Client, mirror: Mirror) -> None:
    form = shown_form(client, mirror.repository)
    later = mirror.next_sync_at + timedelta(days=3)
    Mirror.objects.update(next_sync_at=later)
    client.post(tab(mirror.repository), form | {"tag_patterns": "v1"})
    mirror.refresh_from_db()
    assert mirror.next_sync_at == later


def test_the_next_sync_can_be_moved(save: Save, mirror: Mirror) -> None:
    save(mirror.repository, start_date="2031-02-03", start_time="04:05")
    mirror.refresh_from_db()
    assert mirror.next_sync_at == mirror.starts_at == datetime(2031, 2, 3, 4, 5, tzinfo=UTC)


def test_the_next_sync_cannot_be_emptied(save: Save, mirror: Mirror) -> None:
    response = save(mirror.repository, start_date="", start_time="")
    assert error_beside(response.text, "start_date").startswith("This field is required")


@pytest.fixture
def private_mirror(mirror: Mirror) -> Mirror:
    return mirrors.change_mirror(mirror, {"source_username": "reader", "source_password": "stored-secret"})


def test_an_empty_password_keeps_the_stored_one(save: Save, private_mirror: Mirror) -> None:
    save(private_mirror.repository, source_username="other")
    private_mirror.refresh_from_db()
    assert (private_mirror.source_username, private_mirror.source_password) == ("other", "stored-secret")


def test_a_typed_password_replaces_the_stored_one(save: Save, private_mirror: Mirror) -> None:
    save(private_mirror.repository, source_password="newer")
    private_mirror.refresh_from_db()
    assert (private_mirror.source_username, private_mirror.source_password) == ("reader", "newer")


@pytest.mark.parametrize("changes", [{"delete_credentials": "on"}, {"source_username": ""}])
def test_credentials_can_be_deleted(save: Save, private_mirror: Mirror, changes: dict[str, str]) -> None:
    assert "Delete credentials" in save(private_mirror.repository, tag_patterns="").text
    save(private_mirror.repository, **changes)
    private_mirror.refresh_from_db()
    assert (private_mirror.source_username, private_mirror.source_password) == (None, None)


def test_without_credentials_there_is_nothing_to_delete(client: Client, mirror: Mirror) -> None:
    assert "Delete credentials" not in client.get(tab(mirror.repository)).text


@pytest.fixture
def proxied_mirror(mirror: Mirror) -> Mirror:
    return mirrors.change_mirror(mirror, {"http_proxy": "http://me:proxy-secret@proxy.example.com:3128"})


def test_a_proxys_password_is_masked_and_the_mask_keeps_it(save: Save, client: Client, proxied_mirror: Mirror) -> None:
    assert shown_form(client, proxied_mirror.repository)["http_proxy"] == "http://me:********@proxy.example.com:3128"
    save(proxied_mirror.repository, tag_patterns="v9")
    proxied_mirror.refresh_from_db()
    assert proxied_mirror.http_proxy == "http://me:proxy-secret@proxy.example.com:3128"


def test_a_mask_at_another_proxy_is_refused(save: Save, proxied_mirror: Mirror) -> None:
    response = save(proxied_mirror.repository, http_proxy="http://me:********@other.example.com:3128")
    assert "Type the proxy&#x27;s password" in error_beside(response.text, "http_proxy")


def test_secrets_of_lost_keys_can_be_typed_again(
    save: Save, client: Client, private_mirror: Mirror, settings: Settings
) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert "cannot be decrypted" in client.get(tab(private_mirror.repository)).text
    save(private_mirror.repository, source_username="reader", source_password="again")
    private_mirror.refresh_from_db()
    assert private_mirror.source_password == "again"
    assert "cannot be decrypted" not in client.get(tab(private_mirror.repository)).text


def test_an_organizations_mirroring_is_not_configured_here(client: Client, repository: Repository) -> None:
    Repository.objects.update(state=Repository.State.ORG_MIRROR)
    page = client.get(tab(repository)).text
    assert "ORG_MIRROR" in page
    assert "mirror-form" not in page


# --- Platforms, indexes, referrers, foreign layers ------------------------------------------------------------------


def test_what_is_copied_is_saved_and_shown_again(save: Save, client: Client, repository: Repository) -> None:
    save(
        repository,
        architectures=["arm64"],
        other_platforms="linux/arm/v7, Windows/amd64, arm64",
        index_mode="rewritten",
        copies_referrers=None,
        copies_foreign_layers="on",
    )

    mirror = Mirror.objects.get()
    assert mirror.platforms == ["arm64", "linux/arm/v7", "windows/amd64"]
    assert (mirror.index_mode, mirror.copies_referrers, mirror.copies_foreign_layers) == ("rewritten", False, True)
    form = shown_form(client, repository)
    assert (form["architectures"], form["other_platforms"]) == ("arm64", "linux/arm/v7, windows/amd64")
    assert (form["index_mode"], form.get("copies_referrers"), form["copies_foreign_layers"]) == (
        "rewritten",
        None,
        "on",
    )
    sentence = "Only arm64, linux/arm/v7, windows/amd64 will be mirrored. Their indexes are rewritten"
    assert sentence in client.get(tab(repository)).text


def test_a_form_with_every_kind_of_platform_saved_unchanged_changes_nothing(
    save: Save, make_mirror: Callable[..., Mirror]
) -> None:
    mirror = make_mirror(
        platforms=["linux/arm/v7", "s390x", "amd64"],
        index_mode="rewritten",
        copies_referrers=False,
        copies_foreign_layers=True,
    )
    before = Mirror.objects.values().get()
    boxes = ["s390x", "amd64"]  # the reader of shown forms knows one value for each name

    assert save(mirror.repository, **{"architectures": boxes, "initial-architectures": boxes}).status_code == 302

    after = Mirror.objects.values().get()
    assert after | {"updated_at": None} == before | {"updated_at": None}


def test_platforms_that_were_typed_stay_beside_their_error(save: Save, repository: Repository) -> None:
    page = save(
        repository, architectures=["amd64"], other_platforms="linux/arm/v7, plan9/", index_mode="rewritten"
    ).text

    assert "&#x27;plan9/&#x27; is not a platform." in error_beside(page, "other_platforms")
    assert 'value="linux/arm/v7, plan9/"' in page
    assert "Only amd64, linux/arm/v7, plan9/ will be mirrored." in page
    assert '<option value="rewritten" selected>' in page
    assert 'id="architecture_filter" open' in " ".join(page.split())


def test_two_editors_of_the_platforms_do_not_undo_each_other(
    client: Client, make_mirror: Callable[..., Mirror]
) -> None:
    mirror = make_mirror(platforms=["amd64"])
    first, second = shown_form(client, mirror.repository), shown_form(client, mirror.repository)

    client.post(tab(mirror.repository), first | {"architectures": ["amd64", "arm64"]})
    client.post(tab(mirror.repository), second | {"other_platforms": "linux/arm/v7"})

    mirror.refresh_from_db()
    assert mirror.platforms == ["amd64", "arm64", "linux/arm/v7"]


def test_all_platforms_are_chosen_again_by_emptying_both_fields(save: Save, make_mirror: Callable[..., Mirror]) -> None:
    mirror = make_mirror(platforms=["amd64", "linux/arm/v7"])

    save(mirror.repository, architectures=None, other_platforms="")

    mirror.refresh_from_db()
    assert mirror.platforms == []


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ({"default": [{"type": "reject"}]}, "the signature policy of acme is not looked at. Off: only images"),
        (None, "acme has no signature policy, so signatures are not looked at either way, as in Quay."),
    ],
)
def test_accept_unsigned_images_says_whether_there_is_a_policy(
    client: Client, repository: Repository, policy: object, sentence: str
) -> None:
    Namespace.objects.filter(pk=repository.namespace_id).update(signature_policy=policy)

    assert sentence in client.get(tab(repository)).text
