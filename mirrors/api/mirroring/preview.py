"""/v1/repository/{repository}/mirror/preview: what a sync would do (ours)."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import caller
from mirrors.api.bodies import read_optional_object
from mirrors.api.dates import date
from mirrors.api.endpoint import Endpoint
from mirrors.api.mirroring.lookup import administered_repository
from mirrors.api.mirroring.mirror_values import FIELDS, values_for_change, values_for_creation
from mirrors.api.operations import BOOLEAN, DATE, INTEGER, STRING, answer, array, operation, or_null
from mirrors.models import Mirror, Preview
from mirrors.oci import Code, Side
from mirrors.services.mirroring import previews
from mirrors.services.mirroring.preview_findings import Fate

_FATES = {"type": "string", "enum": [fate.value for fate in Fate]}
_RESULT = answer(
    {
        "source_tags": INTEGER,
        "matching_tags": INTEGER,
        "patterns": array(answer({"pattern": STRING, "tags": INTEGER})),
        "counts": answer({fate.value: INTEGER for fate in Fate}),
        "tags": array(
            answer(
                {
                    "tag": STRING,
                    "action": _FATES,
                    "pattern": or_null(STRING),
                    "reason": STRING,
                    "source_digest": or_null(STRING),
                    "target_digest": or_null(STRING),
                    "bytes": or_null(INTEGER),
                }
            )
        ),
        "more_tags": INTEGER,
        "bytes": answer({"to_copy": INTEGER, "tags_measured": INTEGER, "tags_changed": INTEGER}),
        "requests": answer({"source": INTEGER, "source_pulls": INTEGER, "target": INTEGER}),
        "is_complete": BOOLEAN,
        "notes": array(STRING),
    }
)
PREVIEW = answer(
    {
        "id": INTEGER,
        "status": {"type": "string", "enum": list(Preview.Status.values)},
        "created": DATE,
        "finished": or_null(DATE),
        "expires": DATE,
        "error": or_null(
            answer(
                {
                    "code": {"type": "string", "enum": [code.value for code in Code]},
                    "side": or_null({"type": "string", "enum": [side.value for side in Side]}),
                    "message": STRING,
                }
            )
        ),
        "result": or_null(_RESULT),
    }
)


class PreviewsEndpoint(Endpoint):
    """POST …/mirror/preview, with or without a body."""

    scopes = {"POST": "repo:admin"}

    @operation(
        "previewRepoMirror",
        answers={202: PREVIEW},
        errors=(400, 404),
        fields=FIELDS,
        optional_body=True,
        ours=True,
        example={"root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["v1.*"]}},
    )
    def post(self, request: Request, repository: str) -> Response:
        """Have a worker find out what a sync of the stored mirror, with the given fields put over it, would do."""
        found = administered_repository(request, repository)
        body = read_optional_object(request, FIELDS)
        mirror = Mirror.objects.select_related("repository__namespace").filter(repository=found).first()
        values = None
        if body:
            values = values_for_change(body, mirror=mirror) if mirror else values_for_creation(body)
        preview = previews.request_preview(found, values=values, by=caller(request))
        preview.refresh_from_db()  # without a broker it has ended by now
        address = f"/api/v1/repository/{found.full_name}/mirror/preview/{preview.pk}"
        return Response(preview_body(preview), status=202, headers={"Location": address})


class PreviewEndpoint(Endpoint):
    """GET …/mirror/preview/{id}."""

    scopes = {"GET": "repo:admin"}

    @operation("getRepoMirrorPreview", answers={200: PREVIEW}, errors=(404,), ours=True)
    def get(self, request: Request, repository: str, preview_id: int) -> Response:
        """Its state, and the answer once there is one; kept for an hour."""
        found = administered_repository(request, repository, reading=True)
        return Response(preview_body(previews.find_preview(found, preview_id)))


def preview_body(preview: Preview) -> dict[str, Any]:
    """A preview as JSON; `result` is null until it has succeeded."""
    failed = preview.status == Preview.Status.FAILED
    error = {"code": preview.error_code, "side": preview.error_side or None, "message": preview.message}
    return {
        "id": preview.pk,
        "status": preview.status,
        "created": date(preview.created_at),
        "finished": date(preview.finished_at),
        "expires": date(preview.expires_at),
        "error": error if failed else None,
        "result": preview.result,
    }
