"""`manage.py mirror add`: what it makes, and what it refuses."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from mirrors.models import Mirror, Namespace, Repository, Robot, Sync, User
from tests.management.conftest import Ran

SOURCE = "quay.example.com/org/app"


def test_add_makes_whatever_is_missing(run: Callable[..., Ran], administrator: User) -> None:
    ran = run("mirror", "add", SOURCE, "myorg/app", "--tags", "v1.*, latest", "--every", "6h", "--public")

    mirror = Mirror.objects.get()
    assert ran.status == 0
    assert str(mirror.repository) == "myorg/app"
    assert mirror.repository.is_public
    assert mirror.repository.state == Repository.State.MIRROR
    assert mirror.tag_patterns == ["v1.*", "latest"]
    assert mirror.sync_interval == 6 * 3600
    assert str(mirror.robot) == "myorg+mirror"
    assert "Made organization myorg, public repository myorg/app, robot myorg+mirror." in ran.said
    assert "manage.py mirror sync myorg/app" in ran.said


def test_add_reuses_what_exists(run: Callable[..., Ran], administrator: User) -> None:
    run("mirror", "add", SOURCE, "myorg/app", "--tags", "latest")
    ran = run("mirror", "add", SOURCE, "myorg/other", "--tags", "latest")

    assert ran.status == 0
    assert "Made private repository myorg/other." in ran.said
    assert Namespace.objects.filter(kind=Namespace.Kind.ORGANIZATION).count() == 1
    assert Robot.objects.count() == 1


def test_all_options_reach_the_mirror(
    run: Callable[..., Ran], administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("source-password-2Ld8\n"))
    options = ["--platforms", "amd64,arm64", "--insecure", "--disabled", "--robot", "copier"]

    ran = run("mirror", "add", SOURCE, "myorg/app", "--tags", "*", "--username", "ada", "--password-stdin", *options)

    mirror = Mirror.objects.get()
    assert mirror.platforms == ["amd64", "arm64"]
    assert mirror.verify_tls is False
    assert mirror.is_enabled is False
    assert mirror.robot.name == "copier"
    assert (mirror.source_username, mirror.source_password) == ("ada", "source-password-2Ld8")
    assert "never syncs it" in ran.said
    assert "source-password-2Ld8" not in ran.said + ran.refused


def test_what_is_copied_is_chosen_and_shown(run: Callable[..., Ran], administrator: User) -> None:
    options = ["--platforms", "x86_64, linux/arm/v7", "--rewrite-indexes", "--no-referrers", "--foreign-layers"]
    run("mirror", "add", SOURCE, "myorg/app", "--tags", "*", *options)

    mirror = Mirror.objects.get()
    assert mirror.platforms == ["amd64", "linux/arm/v7"]
    assert (mirror.index_mode, mirror.copies_referrers, mirror.copies_foreign_layers) == ("rewritten", False, True)
    shown = " ".join(run("mirror", "show", "myorg/app").said.split())
    assert "platforms amd64, linux/arm/v7, indexes rewritten comes along foreign layers every" in shown


def test_everything_but_foreign_layers_is_copied_unless_told_otherwise(
    run: Callable[..., Ran], administrator: User
) -> None:
    run("mirror", "add", SOURCE, "myorg/app", "--tags", "*")

    mirror = Mirror.objects.get()
    assert mirror.platforms == []
    assert (mirror.index_mode, mirror.copies_referrers, mirror.copies_foreign_layers) == ("sparse", True, False)
    shown = " ".join(run("mirror", "show", "myorg/app").said.split())
    assert "platforms all comes along signatures and attestations every" in shown


def test_kept_indexes_and_mirrors_of_bare_images_are_told_apart(run: Callable[..., Ran], administrator: User) -> None:
    run("mirror", "add", SOURCE, "myorg/app", "--tags", "*", "--platforms", "arm64", "--no-referrers")
    shown = " ".join(run("mirror", "show", "myorg/app").said.split())
    assert "platforms arm64, indexes kept as they are comes along nothing but the images every" in shown


def test_the_password_may_come_from_the_environment(
    run: Callable[..., Ran], administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRROR_PASSWORD", "from-the-environment")
    run("mirror", "add", SOURCE, "myorg/app", "--tags", "*", "--username", "ada")
    assert Mirror.objects.get().source_password == "from-the-environment"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([SOURCE, "myorg/app"], "--tags: At least one tag pattern is required, for example: latest, v3.*"),
        ([SOURCE, "myorg/app", "--tags", " , "], "--tags: At least one tag pattern is required"),
        ([SOURCE, "myorg/app", "--tags", "*", "--every", "0"], "--every: The sync interval must be a whole number"),
        ([SOURCE, "myorg/app", "--tags", "*", "--every", "soon"], "--every: Give an interval such as 30m, 6h or 1d."),
        (["https://quay.io/a/b", "myorg/app", "--tags", "*"], "SOURCE: A reference has no scheme"),
        (["quay.io/a/b:1.0", "myorg/app", "--tags", "*"], "SOURCE: 'quay.io/a/b:1.0' ends with the tag '1.0'"),
        (["169.254.169.254/a/b", "myorg/app", "--tags", "*"], "SOURCE: The provided registry location is not allowed"),
        ([SOURCE, "app", "--tags", "*"], "TARGET: Give namespace/name, for example myorg/app."),
        ([SOURCE, "MyOrg/app", "--tags", "*"], "TARGET: Use 2 to 255 lower-case letters"),
        ([SOURCE, "myorg/App", "--tags", "*"], "TARGET: Use lower-case letters"),
        (
            [SOURCE, "myorg/app", "--tags", "*", "--platforms", "amd64,linux"],
            "--platforms: 'linux' has an operating system where its architecture belongs. Write it like linux/amd64",
        ),
        (
            [SOURCE, "myorg/app", "--tags", "*", "--rewrite-indexes"],
            "--rewrite-indexes: Say with --platforms for which ones",
        ),
        ([SOURCE, "myorg/app", "--tags", "*", "--robot", "No Robot"], "--robot: Use 2 to 255 lower-case letters"),
        ([SOURCE, "myorg/app", "--tags", "*", "--by", "nobody"], "--by: There is no active user named nobody."),
    ],
)
def test_a_wrong_argument_ends_in_one_sentence_that_names_it_and_leaves_nothing_behind(
    run: Callable[..., Ran], administrator: User, arguments: list[str], sentence: str
) -> None:
    ran = run("mirror", "add", *arguments)

    assert ran.status == 2
    assert ran.refused.startswith(sentence)
    assert "\n" not in ran.refused
    assert not Namespace.objects.filter(kind=Namespace.Kind.ORGANIZATION).exists()
    assert not Sync.objects.exists()


def test_a_password_without_a_user_name_is_refused(
    run: Callable[..., Ran], administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("secret"))
    ran = run("mirror", "add", SOURCE, "myorg/app", "--tags", "*", "--password-stdin")
    assert (ran.status, ran.refused.split(":")[0]) == (2, "--password-stdin")


def test_a_repository_is_mirrored_once(run: Callable[..., Ran], administrator: User) -> None:
    run("mirror", "add", SOURCE, "myorg/app", "--tags", "*")
    ran = run("mirror", "add", SOURCE, "myorg/app", "--tags", "*")
    assert ran.status == 2
    assert "already" in ran.refused


def test_somebody_without_the_right_may_not_add(
    run: Callable[..., Ran], administrator: User, make_user: Callable[..., User]
) -> None:
    run("mirror", "add", SOURCE, "myorg/app", "--tags", "*")
    make_user("stranger")
    ran = run("mirror", "add", SOURCE, "myorg/other", "--tags", "*", "--by", "stranger")
    assert (ran.status, ran.refused) == (2, "You may not create repositories in myorg.")


def test_without_an_administrator_it_says_how_to_get_one(run: Callable[..., Ran]) -> None:
    ran = run("mirror", "add", SOURCE, "myorg/app", "--tags", "*")
    assert ran.status == 2
    assert ran.refused.startswith("There is no administrator yet: run make up")
