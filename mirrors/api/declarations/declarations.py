"""/v1/apply and /v1/export: custom resources in and out (ours)."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import caller, has_scope
from mirrors.api.bodies import JSON_TYPE
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import InsufficientScope, InvalidRequest, NotJSON
from mirrors.api.mirroring.lookup import administered_repository
from mirrors.api.operations import BOOLEAN, INTEGER, STRING, answer, array, operation, or_null
from mirrors.api.queries import read_choice, read_flag
from mirrors.api.seats import Seats
from mirrors.services import access, declarations
from mirrors.services.accounts import namespaces
from mirrors.services.declarations import Action, Applied, Rights

SEATS = Seats(2, what="streams of declarations", retry_after=10)
YAML = "application/yaml"
_YAML_TYPE = re.compile(r"\s*(application|text)/(x-|vnd\.)?yaml\s*(;|$)", re.IGNORECASE)
_NOT_READ = "Send YAML, with the Content-Type application/yaml, or JSON, with application/json."
_RESOURCE = {"type": "object"}
_STREAM = {"type": "string", "contentMediaType": YAML}
_ANYTHING: dict[str, Any] = {}
APPLIED = answer(
    {
        "dry_run": BOOLEAN,
        "counts": answer({action.value: INTEGER for action in Action}),
        "documents": array(
            answer(
                {
                    "kind": STRING,
                    "name": STRING,
                    "action": {"type": "string", "enum": [action.value for action in Action]},
                    "differences": array(answer({"field": STRING, "before": _ANYTHING, "after": _ANYTHING})),
                    "notes": array(STRING),
                    "error": or_null(answer({"field": or_null(STRING), "message": STRING})),
                }
            )
        ),
    }
)
EXAMPLE = {
    "apiVersion": "quay.herve4m.github.io/v1alpha1",
    "kind": "RepositoryMirror",
    "metadata": {"name": "acme-app"},
    "spec": {
        "name": "acme/app",
        "externalReference": "quay.io/team/app",
        "imageTags": ["v1.*", "latest"],
        "robotUsername": "acme+mirror",
        "syncInterval": "8h",
        "isEnabled": True,
    },
}


class ApplyEndpoint(Endpoint):
    """POST /v1/apply?dryRun=true."""

    scopes = {"POST": "repo:admin"}

    @operation(
        "applyDeclarations",
        answers={200: APPLIED},
        errors=(503,),
        body={"oneOf": [{"oneOf": [_RESOURCE, array(_RESOURCE)]}, _STREAM]},
        query={"dryRun": (BOOLEAN, "true: only say what would be done.")},
        ours=True,
        example=EXAMPLE,
    )
    def post(self, request: Request) -> Response:
        """Bring what is there to what custom resources declare; nothing is removed, and the second time nothing done.

        A malformed document is a 400, and nothing is applied. Each document is applied whole or not at all; one that
        cannot be is named with its field, and the others are applied all the same. A thousand documents take long, so
        each process works on two streams at a time, and answers 503 with Retry-After to further ones.
        """
        dry_run = bool(read_flag(request, "dryRun"))
        rights = _rights(request)
        with SEATS.taken():
            documents = declarations.documents_of(_read(request))
            results = declarations.apply(documents, rights=rights, dry_run=dry_run)
        return Response(
            {
                "dry_run": dry_run,
                "counts": {action.value: sum(1 for result in results if result.action is action) for action in Action},
                "documents": [_applied(result) for result in results],
            }
        )


class ExportEndpoint(Endpoint):
    """GET /v1/export?repository=&namespace=&format=."""

    scopes = {"GET": "repo:admin"}

    @operation(
        "exportDeclarations",
        answers={
            200: {
                "oneOf": [
                    _STREAM,
                    answer({"apiVersion": STRING, "kind": STRING, "items": array(_RESOURCE)}),
                ]
            }
        },
        errors=(400, 404),
        query={
            "repository": (STRING, "Only this one, namespace/name."),
            "namespace": (STRING, "Only this organization's or user's."),
            "format": ({"type": "string", "enum": ["yaml", "json"]}, "yaml, a stream of documents, by default."),
        },
        ours=True,
    )
    def get(self, request: Request) -> HttpResponseBase:
        """What the caller administers as custom resources, without secrets; applied, they change nothing."""
        chosen = read_choice(request, "format", ("yaml", "json"))
        documents = list(declarations.export(_rights(request), **_what(request)))
        if chosen == "json":
            return Response({"apiVersion": "v1", "kind": "List", "items": documents})
        return HttpResponse(declarations.write_yaml(documents), content_type=YAML)


def _read(request: Request) -> list[Any]:
    content_type = request.content_type or ""
    if JSON_TYPE.match(content_type):
        return declarations.read_json(request.body)
    if _YAML_TYPE.match(content_type):
        return declarations.read_yaml(request.body)
    raise NotJSON(_NOT_READ)


def _rights(request: Request) -> Rights:
    return Rights(caller(request), holds=lambda scope: has_scope(request, scope))


def _what(request: Request) -> dict[str, Any]:
    repository, namespace = request.query_params.get("repository"), request.query_params.get("namespace")
    if repository and namespace:
        raise InvalidRequest("Give either repository or namespace in the query.")
    if repository:
        return {"repository": administered_repository(request, repository, reading=True)}
    if namespace:
        found = namespaces.find_namespace(namespace)
        if not access.may_see_namespace_settings(caller(request), found):
            raise InsufficientScope(f"You need to administer {namespace} for that.")
        return {"namespace": found}
    return {}


def _applied(result: Applied) -> dict[str, Any]:
    return {
        "kind": result.kind,
        "name": result.name,
        "action": result.action.value,
        "differences": [
            {"field": difference.field, "before": difference.before, "after": difference.after}
            for difference in result.differences
        ],
        "notes": result.notes,
        "error": {"field": result.error_field or None, "message": result.error} if result.error else None,
    }
