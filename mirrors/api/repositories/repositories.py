"""/v1/repository: the list, and new ones; /v1/user/starred."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import caller, has_scope
from mirrors.api.bodies import nullable, one_of, read_object, text
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import InvalidRequest
from mirrors.api.operations import BOOLEAN, STRING, answer, array, operation
from mirrors.api.paging import NEXT_PAGE, next_page_token, read_next_page
from mirrors.api.queries import is_true
from mirrors.api.repositories.repository_body import KIND, LISTED, listed_body
from mirrors.errors import InvalidInput
from mirrors.models import Repository, User
from mirrors.services import access
from mirrors.services.accounts import namespaces
from mirrors.services.repositories import repositories, repository_figures

PAGE_SIZE = 100
NEW_FIELDS = {
    "repository": text,
    "namespace": nullable(text),
    "visibility": one_of(*Repository.Visibility.values),
    "description": text,
    "repo_kind": nullable(one_of("image")),
}
NEW_REQUIRED = ("repository", "visibility", "description")
NEW_EXAMPLE = {
    "namespace": "acme",
    "repository": "app",
    "visibility": "private",
    "description": "",
    "repo_kind": "image",
}
STAR_FIELDS = {"namespace": text, "repository": text}
LIST = answer({"repositories": array(LISTED)}, {"next_page": STRING})
QUERY = {
    "namespace": (STRING, "Only those of this organization or user."),
    "public": (BOOLEAN, "Public ones too, not only those that the caller has a role on."),
    "starred": (BOOLEAN, "Only those that the caller has starred."),
    "last_modified": (BOOLEAN, "Say of each when a sync last changed a tag of it."),
    "popularity": (BOOLEAN, "Accepted for Quay's clients: pulls are not counted here, so that it is always 0."),
    "repo_kind": (STRING, "image, which is the only kind there is."),
    "next_page": NEXT_PAGE,
}


class RepositoriesEndpoint(Endpoint):
    """/v1/repository."""

    scopes = {"POST": "repo:create"}

    @operation("listRepos", answers={200: LIST}, errors=(400,), query=QUERY)
    def get(self, request: Request) -> Response:
        """List the repositories that the caller may see, 100 to a page.

        One of namespace, public and starred must be given. Without a token that holds repo:read, only public ones.
        """
        account = caller(request) if has_scope(request, "repo:read") else None
        namespace = request.query_params.get("namespace", "").replace("\0", "")
        with_public, starred = is_true(request, "public"), is_true(request, "starred")
        if not (namespace or with_public or starred):
            raise InvalidRequest("namespace, starred or public are required for this API call")
        if request.query_params.get("repo_kind") not in (None, "", "image"):
            return Response({"repositories": []})
        if starred:
            found = starred_repositories(caller(request))
        else:
            found = access.visible_repositories(account, with_public=with_public)
        if namespace:
            found = found.filter(namespace__name=namespace)
        return Response(page_of(found, request, account=account))

    @operation(
        "createRepo",
        answers={201: answer({"namespace": STRING, "name": STRING, "kind": KIND})},
        errors=(404,),
        fields=NEW_FIELDS,
        required=NEW_REQUIRED,
        example=NEW_EXAMPLE,
    )
    def post(self, request: Request) -> Response:
        """Make an empty repository, in the caller's own namespace unless another is named."""
        body = read_object(request, NEW_FIELDS, required=NEW_REQUIRED)
        user = caller(request)
        namespace = namespaces.find_namespace(body.get("namespace") or user.username)
        try:
            made = repositories.create_repository(
                namespace,
                body["repository"],
                by=user,
                visibility=body["visibility"],
                description=body["description"],
            )
        except InvalidInput as error:
            if error.field != "name":
                raise
            raise InvalidInput(f"Invalid repository name. {error.message}", field=error.field) from error
        return Response({"namespace": namespace.name, "name": made.name, "kind": "image"}, status=201)


class StarredEndpoint(Endpoint):
    """/v1/user/starred."""

    scopes = {"GET": "user:admin", "POST": "user:admin"}

    @operation("listStarredRepos", answers={200: LIST}, errors=(400,), query={"next_page": NEXT_PAGE})
    def get(self, request: Request) -> Response:
        """List the repositories that the caller has starred and may still see."""
        user = caller(request)
        return Response(page_of(starred_repositories(user), request, account=user))

    @operation(
        "createStar",
        answers={201: answer({"namespace": STRING, "repository": STRING})},
        errors=(404,),
        fields=STAR_FIELDS,
        required=tuple(STAR_FIELDS),
        example={"namespace": "acme", "repository": "app"},
    )
    def post(self, request: Request) -> Response:
        """Star a repository; it may be starred already."""
        body = read_object(request, STAR_FIELDS, required=tuple(STAR_FIELDS))
        user = caller(request)
        found = access.find_repository(f"{body['namespace']}/{body['repository']}", account=user)
        repositories.star(found, user=user)
        return Response({"namespace": found.namespace.name, "repository": found.name}, status=201)


class StarEndpoint(Endpoint):
    """/v1/user/starred/{repository}."""

    scopes = {"DELETE": "user:admin"}

    @operation("deleteStar", answers={204: None}, errors=(404,))
    def delete(self, request: Request, repository: str) -> Response:
        """Take the star away; there may be none."""
        repositories.unstar(repository, user=caller(request))
        return Response(status=204)


def starred_repositories(user: User) -> QuerySet[Repository]:
    """What the user has starred and may still see."""
    return access.visible_repositories(user).filter(starred_by=user)


def page_of(found: QuerySet[Repository], request: Request, *, account: User | None) -> dict[str, Any]:
    """A page of these, in the order in which they were made, in a constant number of queries."""
    after = read_next_page(request, of="repositories")
    ordered = (found if after is None else found.filter(pk__gt=after)).order_by("pk")
    rows = list(ordered[: PAGE_SIZE + 1])
    page = rows[:PAGE_SIZE]
    starred = None if account is None else repository_figures.starred_among(page, user=account)
    modified = repository_figures.last_changes(page) if is_true(request, "last_modified") else None
    popularity = is_true(request, "popularity")
    body: dict[str, Any] = {
        "repositories": [
            listed_body(each, starred=starred, modified=modified, with_popularity=popularity) for each in page
        ]
    }
    if len(rows) > PAGE_SIZE:
        body["next_page"] = next_page_token(page[-1].pk, of="repositories")
    return body
