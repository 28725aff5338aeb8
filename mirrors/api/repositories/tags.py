"""/v1/repository/{repository}/tag: the tags at the target registry."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.bodies import integer, nullable, read_object, text
from mirrors.api.dates import mail_date
from mirrors.api.endpoint import Endpoint, require_role
from mirrors.api.errors import InvalidRequest
from mirrors.api.operations import BOOLEAN, INTEGER, MAIL_DATE, STRING, Schema, answer, array, operation, or_null
from mirrors.api.queries import is_true, lenient_number
from mirrors.api.seats import Seats
from mirrors.models import Repository
from mirrors.services import access, tags
from mirrors.services.tags import Content, TagFilter, TagVersion

Role = access.Role

LONGEST_PAGE, USUAL_PAGE = 100, 50
SEATS = Seats(4, what="questions to remote registries", retry_after=5)
TAG: Schema = answer(
    {
        "name": STRING,
        "reversion": BOOLEAN,
        "manifest_digest": STRING,
        "is_manifest_list": BOOLEAN,
        "size": or_null(INTEGER),
    },
    {
        "start_ts": INTEGER,
        "end_ts": INTEGER,
        "last_modified": MAIL_DATE,
        "expiration": MAIL_DATE,
        "is_sparse": BOOLEAN,
        "child_manifest_count": INTEGER,
        "present_child_count": INTEGER,
        "child_manifests_presence": {"type": "object", "additionalProperties": BOOLEAN},
    },
)
QUERY = {
    "specificTag": (STRING, "Only the tag of this name."),
    "onlyActiveTags": (BOOLEAN, "Without the tags that syncs have deleted or replaced."),
    "limit": (INTEGER, "Tags to a page: 1 to 100, else 50."),
    "page": (INTEGER, "Counted from 1."),
    "filter_tag_name": (STRING, "`like:part` of a name, or `eq:name`."),
}
MOVE_FIELDS = {"manifest_digest": text, "expiration": nullable(integer(minimum=0))}
DIGEST_FIELDS = {"manifest_digest": text}
EXAMPLE = {"manifest_digest": "sha256:" + "0" * 64}


class TagsEndpoint(Endpoint):
    """/v1/repository/{repository}/tag/. Public repositories' for everyone, private ones' with repo:read."""

    @operation(
        "listRepoTags",
        answers={200: answer({"tags": array(TAG), "page": INTEGER, "has_additional": BOOLEAN})},
        errors=(400, 404, 502, 503),
        query=QUERY,
    )
    def get(self, request: Request, repository: str) -> Response:
        """List tags, the youngest first, then those that are no more.

        They are read from the registry that keeps them; one that does not answer within 8 seconds is a 502.
        """
        found = access.find_repository(repository, account=require_role(request, repository, role=Role.READ))
        page = lenient_number(request, "page", default=1, clamps=True)
        limit = lenient_number(request, "limit", default=USUAL_PAGE, maximum=LONGEST_PAGE, clamps=True)
        wanted, with_ended = _filter(request), not is_true(request, "onlyActiveTags")
        with _seat(found):
            listed = tags.list_tags(found, wanted, with_ended=with_ended, start=(page - 1) * limit, limit=limit)
        body = [_tag_body(version, content) for version, content in listed.tags]
        return Response({"tags": body, "page": page, "has_additional": listed.has_more})


class TagEndpoint(Endpoint):
    """/v1/repository/{repository}/tag/{tag}."""

    scopes = {"PUT": "repo:write", "DELETE": "repo:write"}

    @operation(
        "changeTag",
        answers={201: {"type": "string", "enum": ["Updated"]}},
        errors=(404, 502, 503),
        fields=MOVE_FIELDS,
        example=EXAMPLE,
    )
    def put(self, request: Request, repository: str, tag: str) -> Response:
        """Make the tag, or move it to another manifest of the repository; in the NORMAL state alone."""
        account = require_role(request, repository, role=Role.WRITE)
        found = access.find_repository(repository, account=account)
        access.check_may_write_tags(account, found)
        body = read_object(request, MOVE_FIELDS)
        if body.get("expiration") is not None:
            raise InvalidRequest("Tags do not expire here: leave expiration out, or send null.")
        if "manifest_digest" in body:
            with _seat(found):
                tags.move_tag(found, tag, body["manifest_digest"], by=account)
        return Response("Updated", status=201)

    @operation("deleteFullTag", answers={204: None}, errors=(400, 404, 502, 503))
    def delete(self, request: Request, repository: str, tag: str) -> Response:
        """Delete the tag; in the NORMAL state alone."""
        account = require_role(request, repository, role=Role.WRITE)
        found = access.find_repository(repository, account=account)
        with _seat(found):
            tags.delete_tag(found, tag, by=account)
        return Response(status=204)


class RestoreTagEndpoint(Endpoint):
    """/v1/repository/{repository}/tag/{tag}/restore."""

    scopes = {"POST": "repo:write"}

    @operation(
        "restoreTag",
        answers={200: answer({})},
        errors=(404, 502, 503),
        fields=DIGEST_FIELDS,
        required=tuple(DIGEST_FIELDS),
        example=EXAMPLE,
    )
    def post(self, request: Request, repository: str, tag: str) -> Response:
        """Point the tag at a manifest that it had before and the registry still has; in the NORMAL state alone."""
        account = require_role(request, repository, role=Role.WRITE)
        found = access.find_repository(repository, account=account)
        access.check_may_write_tags(account, found)
        body = read_object(request, DIGEST_FIELDS, required=tuple(DIGEST_FIELDS))
        with _seat(found):
            tags.restore_tag(found, tag, body["manifest_digest"], by=account)
        return Response({})


def _seat(repository: Repository) -> AbstractContextManager[None]:
    """A registry that is silent must not take every thread of this process."""
    return SEATS.taken() if tags.is_remote(repository) else nullcontext()


def _filter(request: Request) -> TagFilter:
    name = request.query_params.get("specificTag", "")
    wanted = request.query_params.get("filter_tag_name", "")
    operator, _, value = wanted.partition(":")
    if "\0" in name + wanted:
        raise InvalidRequest("No tag has such a name.")
    if wanted and (operator not in ("like", "eq") or not value):
        raise InvalidRequest("filter_tag_name is like: or eq: and a text, for example like:v1.")
    if name:
        return TagFilter(name=name)
    return TagFilter(name=value) if operator == "eq" else TagFilter(part=value)


def _tag_body(version: TagVersion, content: Content) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": version.name,
        "reversion": False,
        "manifest_digest": content.digest,
        "is_manifest_list": content.is_index,
        "size": content.size,
    }
    if version.started_at:
        body["start_ts"] = int(version.started_at.timestamp())
        body["last_modified"] = mail_date(version.started_at.replace(microsecond=0))
    if version.ended_at:
        body["end_ts"] = int(version.ended_at.timestamp())
        body["expiration"] = mail_date(version.ended_at.replace(microsecond=0))
    return body | (_children_body(content.children) if content.is_index and content.children is not None else {})


def _children_body(children: dict[str, bool]) -> dict[str, Any]:
    present = sum(children.values())
    return {
        "is_sparse": present < len(children),
        "child_manifest_count": len(children),
        "present_child_count": present,
        "child_manifests_presence": children,
    }
