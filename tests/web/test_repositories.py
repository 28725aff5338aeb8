"""The list of repositories, and making one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mirrors.models import Mirror, Namespace, Repository, RepositoryPermission, Sync, User
from mirrors.oci.errors import Code, Side
from mirrors.services.mirroring import mirrors
from tests.fixtures.domain import join
from tests.web.conftest import signed_in, tab

pytestmark = pytest.mark.django_db
LIST = "web:repositories"
CREATE = "web:create-repository"


def failed_sync(mirror: Mirror) -> Sync:
    sync = Sync.objects.create(mirror=mirror)
    sync.start(worker="w", snapshot={})
    sync.fail(code=Code.AUTH_FAILED, side=Side.SOURCE, message="The source refused the password.")
    return sync


def test_a_line_says_how_the_mirror_is_doing(client: Client, make_mirror: Callable[..., Mirror]) -> None:
    failed_sync(make_mirror("app", next_sync_at=timezone.now() + timedelta(hours=24, minutes=30)))
    page = client.get(reverse(LIST)).text
    for words in ("acme/app", "private", "Failed", "registry.example.com/team/app", "in 24 h", "UTC"):
        assert words in page


def test_a_repository_that_is_not_mirrored_offers_to_set_it_up(client: Client, repository: Repository) -> None:
    page = client.get(reverse(LIST)).text
    assert "Set up mirroring" in page
    assert tab(repository) in page


def test_disabled_and_late_mirrors_stand_out(client: Client, make_mirror: Callable[..., Mirror]) -> None:
    make_mirror("off", is_enabled=False)
    assert "Disabled" in client.get(reverse(LIST)).text
    assert "Late" not in client.get(reverse(LIST)).text
    make_mirror("late", next_sync_at=timezone.now() - timedelta(hours=1))
    assert "Late" in client.get(reverse(LIST)).text


def test_a_stranger_sees_public_repositories_and_nothing_of_their_mirrors(
    stranger: User, make_mirror: Callable[..., Mirror]
) -> None:
    make_mirror("hidden")
    shown = make_mirror("shown").repository
    Repository.objects.filter(pk=shown.pk).update(visibility="public")
    page = signed_in(stranger).get(reverse(LIST)).text
    assert "acme/shown" in page
    assert "acme/hidden" not in page
    assert "registry.example.com" not in page
    assert "Set up mirroring" not in page


@pytest.mark.parametrize(
    ("query", "found"),
    [("APP", {"acme/app"}), ("acme/", {"acme/app", "acme/web"}), ("acme/w", {"acme/web"}), ("%", set())],
)
def test_the_search_looks_at_the_whole_name(
    client: Client, make_mirror: Callable[..., Mirror], query: str, found: set[str]
) -> None:
    make_mirror("app")
    make_mirror("web")
    page = client.get(reverse(LIST), {"q": query}).text
    assert {name for name in ("acme/app", "acme/web") if f">{name}</a>" in page} == found
    assert ("No repositories found" in page) == (not found)


def test_pages_hold_twenty_and_keep_the_search(client: Client, organization: Namespace) -> None:
    Repository.objects.bulk_create(Repository(namespace=organization, name=f"app-{n:02}") for n in range(21))
    page = client.get(reverse(LIST), {"q": "app"}).text
    assert "acme/app-19" in page
    assert "acme/app-20" not in page
    assert "?q=app&amp;page=2" in page
    assert "acme/app-20" in client.get(reverse(LIST), {"q": "app", "page": "2"}).text
    assert client.get(reverse(LIST), {"page": "nonsense"}).status_code == 200


def test_the_list_costs_as_many_queries_for_twenty_mirrors_as_for_one(
    client: Client, make_mirror: Callable[..., Mirror]
) -> None:
    failed_sync(make_mirror("app-0"))
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get(reverse(LIST))
    for number in range(1, 20):
        failed_sync(make_mirror(f"app-{number}"))
    with CaptureQueriesContext(connection) as twenty:
        client.get(reverse(LIST))
    assert len(twenty) == len(one)


def test_the_empty_list_says_what_to_do_first(owner: User) -> None:
    page = signed_in(owner).get(reverse(LIST)).text
    assert "There are no repositories yet" in page
    assert reverse(CREATE) in page


def test_creating_a_repository_leads_to_its_mirroring(client: Client, organization: Namespace) -> None:
    values = {"namespace": "acme", "name": "tools/app", "visibility": "public", "description": "Our app"}
    response = client.post(reverse(CREATE), values, follow=True)
    repository = Repository.objects.get(name="tools/app")
    assert (repository.visibility, repository.description, repository.state) == ("public", "Our app", "NORMAL")
    assert response.redirect_chain[-1][0] == tab(repository)
    assert "Successfully created repository acme/tools/app" in response.text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "This field is required"),
        ("App", "Use lower-case letters and digits"),
        ("app", "Repository already exists"),
        ("a" * 256, "at most 255 characters"),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_stays_in_the_form(
    client: Client, repository: Repository, name: str, words: str
) -> None:
    values = {"namespace": "acme", "name": name, "visibility": "private", "description": "kept"}
    response = client.post(reverse(CREATE), values)
    assert response.status_code == 422
    assert words in response.text
    assert f'value="{name}"' in response.text or not name
    assert 'value="kept"' in response.text
    assert Repository.objects.count() == 1


@pytest.mark.parametrize(("role", "may"), [("admin", True), ("creator", True), ("member", False)])
def test_repositories_are_created_where_the_role_allows(
    stranger: User, organization: Namespace, role: str, may: bool
) -> None:
    join(organization, stranger, role=role)
    browser = signed_in(stranger)
    assert ('value="acme"' in browser.get(reverse(CREATE)).text) == may
    response = browser.post(reverse(CREATE), {"namespace": "acme", "name": "new", "visibility": "private"})
    assert response.status_code == (302 if may else 422)
    assert Repository.objects.filter(name="new").exists() == may


def test_the_maker_administers_what_a_creator_makes(stranger: User, organization: Namespace) -> None:
    join(organization, stranger, role="creator")
    browser = signed_in(stranger)
    response = browser.post(reverse(CREATE), {"namespace": "acme", "name": "new", "visibility": "private"}, follow=True)
    assert "Repository Mirroring" in response.text


def test_information_gives_commands_that_name_the_farm_and_a_tag_that_is_there(
    client: Client, mirror: Mirror, settings: pytest.MonkeyPatch
) -> None:
    settings.PUBLIC_URL = "https://farm.example.com"
    mirror.tags.create(tag="v1.2", source_digest="sha256:" + "0" * 64, target_digest="sha256:" + "0" * 64, sync_id=1)
    page = client.get(tab(mirror.repository, "information")).text
    assert "docker pull farm.example.com/acme/app:v1.2" in page
    assert "podman pull farm.example.com/acme/app:v1.2" in page
    assert "skopeo copy docker://farm.example.com/acme/app:v1.2 dir:app" in page
    assert "docker login farm.example.com" in page, "the repository is private"


def test_information_over_plain_http_tells_the_clients_so(
    client: Client, repository: Repository, settings: pytest.MonkeyPatch
) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    page = client.get(tab(repository, "information")).text
    assert "podman pull --tls-verify=false 127.0.0.1:8000/acme/app:latest" in page
    assert "skopeo copy --src-tls-verify=false docker://127.0.0.1:8000/acme/app:latest" in page


def test_a_deleted_mirror_leaves_an_ordinary_repository(client: Client, mirror: Mirror) -> None:
    mirrors.delete_mirror(mirror)
    page = client.get(tab(mirror.repository)).text
    assert "This repository's state is <b>NORMAL</b>" in page
    assert "Enable Mirror" in page


def test_permission_to_administer_one_repository_shows_its_mirror(stranger: User, mirror: Mirror) -> None:
    RepositoryPermission.objects.create(repository=mirror.repository, user=stranger, role="admin")
    assert "registry.example.com/team/app" in signed_in(stranger).get(reverse(LIST)).text
