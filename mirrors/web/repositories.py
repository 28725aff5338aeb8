"""Pages: the list of repositories, a new repository, and a repository's Information tab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet, Value
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from mirrors.errors import AlreadyExists, InvalidInput
from mirrors.models import MirroredTag, Repository, User
from mirrors.services import access
from mirrors.services.mirroring.mirror_status import MirrorStatus, statuses_of
from mirrors.services.repositories import repositories
from mirrors.web.forms import RepositoryForm
from mirrors.web.pages import PageView, RepositoryView

PAGE_SIZE = 20


@dataclass(frozen=True)
class Row:
    """A line of the list. `status` is None where nothing is mirrored, or the account may not see the mirror."""

    repository: Repository
    may_administer: bool
    status: MirrorStatus | None


@dataclass(frozen=True)
class Tab:
    """A tab of the repository page."""

    name: str
    title: str
    url: str
    test_id: str


class RepositoryList(PageView):
    """Every repository the account may see, searched and paged by the server."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list."""
        query = request.GET.get("q", "").replace("\0", "").strip()
        found = matching(access.visible_repositories(self.user), query)
        page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
        context = {
            "page": page,
            "rows": rows_of(list(page.object_list), user=self.user),
            "query": query,
            "may_create": access.namespaces_to_create_in(self.user).exists(),
        }
        return render(request, "web/repositories.html", context)


class CreateRepository(PageView):
    """The form for a new repository."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The empty form; `?namespace=` chooses one."""
        return self._show(self._form(initial={"namespace": request.GET.get("namespace") or self.user.username}))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Create it and go on to its mirroring."""
        form = self._form(request.POST)
        if form.is_valid():
            try:
                repository = repositories.create_repository(by=self.user, **form.cleaned_data)
            except (InvalidInput, AlreadyExists) as error:
                form.refuse(error)
            else:
                messages.success(request, f"Successfully created repository {repository}")
                return redirect(tab_url(repository, "mirroring"))
        return self._show(form, status=422)

    def _form(self, *args: Any, **options: Any) -> RepositoryForm:
        return RepositoryForm(*args, namespaces=access.namespaces_to_create_in(self.user), **options)

    def _show(self, form: RepositoryForm, *, status: int = 200) -> HttpResponse:
        return render(self.request, "web/create_repository.html", {"form": form}, status=status)


class InformationTab(RepositoryView):
    """What the repository is and how to pull from it."""

    def get(self, request: HttpRequest, **_: str) -> HttpResponse:
        """The tab."""
        repository = self.find_repository(administer=False)
        image = f"{pull_name(repository)}:{tag_to_pull(repository)}"
        # Without TLS, podman and skopeo must be told; docker allows it on this machine by itself.
        plain = repository.namespace.target_registry is None and urlsplit(settings.PUBLIC_URL).scheme == "http"
        context = page_context(repository, user=self.user, tab="information") | {
            "registry": image.partition("/")[0],
            "commands": pull_commands(image, plain=plain),
        }
        return render(request, "web/information.html", context)


def matching(repositories: QuerySet[Repository], query: str) -> QuerySet[Repository]:
    """Those whose `namespace/name` contains the query, with their mirrors."""
    repositories = repositories.select_related("mirror")
    if not query:
        return repositories
    return repositories.annotate(path=Concat("namespace__name", Value("/"), "name")).filter(path__icontains=query)


def rows_of(repositories: list[Repository], *, user: User) -> list[Row]:
    """The lines of the list, in a constant number of queries."""
    administered = access.administered_among(user, repositories)
    mirrors = {r.pk: r.mirror for r in repositories if r.pk in administered and hasattr(r, "mirror")}
    statuses = statuses_of(mirrors.values())
    return [Row(r, r.pk in administered, statuses[mirrors[r.pk].pk] if r.pk in mirrors else None) for r in repositories]


def tab_url(repository: Repository, tab: str) -> str:
    """The address of a repository's tab: Quay's own."""
    url = reverse("web:repository", args=(repository.namespace.name, repository.name))
    return f"{url}?{urlencode({'tab': tab})}"


def page_context(repository: Repository, *, user: User, tab: str) -> dict[str, Any]:
    """What the frame of a repository's page shows."""
    tabs = [Tab("information", "Information", tab_url(repository, "information"), "information-tab")]
    if access.may_administer(user, repository):
        tabs.append(Tab("mirroring", "Mirroring", tab_url(repository, "mirroring"), "mirroring-tab"))
    return {"repository": repository, "tabs": tabs, "tab": tab}


def pull_name(repository: Repository) -> str:
    """What clients call it: `host[:port]/path`."""
    registry = repository.namespace.target_registry
    if registry is None:
        return f"{urlsplit(settings.PUBLIC_URL).netloc}/{repository.full_name}"
    return "/".join(filter(None, (registry.address, registry.repository_prefix.strip("/"), repository.full_name)))


def pull_commands(image: str, *, plain: bool) -> list[tuple[str, str]]:
    """Client and command. `plain`: the farm is served without TLS."""
    directory = image.rpartition("/")[2].partition(":")[0]
    return [
        ("docker", f"docker pull {image}"),
        ("podman", f"podman pull {'--tls-verify=false ' if plain else ''}{image}"),
        ("skopeo", f"skopeo copy {'--src-tls-verify=false ' if plain else ''}docker://{image} dir:{directory}"),
    ]


def tag_to_pull(repository: Repository) -> str:
    """A tag that is there as far as is known; `latest` where that is nothing."""
    mirrored = MirroredTag.objects.filter(mirror__repository=repository).exclude(target_digest="")
    tags = list(mirrored.order_by("-tag").values_list("tag", flat=True)[:200])
    return "latest" if "latest" in tags or not tags else tags[0]
