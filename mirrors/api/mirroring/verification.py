"""POST …/mirror/verify: the connection test (ours; Quay has one for organizations alone)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.bodies import read_optional_object
from mirrors.api.endpoint import Endpoint
from mirrors.api.mirroring.lookup import administered_repository
from mirrors.api.mirroring.mirror_values import FIELDS, values_for_change, values_for_creation
from mirrors.api.mirroring.sync_body import RATE_LIMIT
from mirrors.api.operations import BOOLEAN, INTEGER, STRING, answer, operation, or_null
from mirrors.api.seats import Seats
from mirrors.models import Mirror
from mirrors.oci import Code, Side
from mirrors.services.mirroring.verification import Finding, Problem, Verification, verify

SEATS = Seats(2, what="connection tests", retry_after=8)
TESTED = ("external_reference", "external_registry_username", "external_registry_password")
FIELDS_OF_TEST = {name: FIELDS[name] for name in (*TESTED, "external_registry_config", "root_rule")}
_PROBLEM = or_null(
    answer(
        {
            "code": {"type": "string", "enum": [code.value for code in Code]},
            "side": {"type": "string", "enum": [side.value for side in Side]},
            "message": STRING,
        }
    )
)
_TLS = or_null({"type": "string", "enum": ["verified", "unverified", "none"]})
VERIFICATION = answer(
    {
        "success": BOOLEAN,
        "message": STRING,
        "error": _PROBLEM,
        "tags_found": or_null(INTEGER),
        "tags_matching": or_null(INTEGER),
        "duration_ms": INTEGER,
        "tls": _TLS,
        "rate_limit": or_null(RATE_LIMIT),
        "target": answer({"success": BOOLEAN, "message": STRING, "error": _PROBLEM, "duration_ms": INTEGER}),
    }
)


class VerifyEndpoint(Endpoint):
    """POST …/mirror/verify, with or without a body."""

    scopes = {"POST": "repo:admin"}

    @operation(
        "verifyRepoMirrorConnection",
        answers={200: VERIFICATION},
        errors=(404, 503),
        fields=FIELDS_OF_TEST,
        optional_body=True,
        ours=True,
        example={"external_reference": "quay.io/prometheus/busybox"},
    )
    def post(self, request: Request, repository: str) -> Response:
        """Test, within eight seconds, whether source and target can be reached; 200 whatever comes of it.

        Without a body the stored configuration is tested, else that with the given fields put over it. A stored
        password is used for the host and the account alone that it was entered for.
        """
        found = administered_repository(request, repository)
        body = read_optional_object(request, FIELDS_OF_TEST)
        stored = Mirror.objects.filter(repository=found).first()
        values = values_for_change(body, mirror=stored) if stored else values_for_creation(body) if body else None
        with SEATS.taken():
            return Response(verification_body(verify(found, values=values)))


def verification_body(result: Verification) -> dict[str, Any]:
    """The source's findings, and below `target` the target's."""
    source, target, problem = result.source, result.target, result.problem
    return {
        "success": problem is None,
        "message": problem.message if problem else source.message,
        "error": _problem(problem),
        "tags_found": None if source.tags is None else len(source.tags),
        "tags_matching": result.matching,
        "duration_ms": _milliseconds(source),
        "tls": _tls(source, verified=result.verifies_tls),
        "rate_limit": asdict(source.rate_limit) if source.rate_limit else None,
        "target": {
            "success": target.problem is None,
            "message": target.problem.message if target.problem else target.message,
            "error": _problem(target.problem),
            "duration_ms": _milliseconds(target),
        },
    }


def _problem(problem: Problem | None) -> dict[str, str] | None:
    return {"code": problem.code, "side": problem.side, "message": problem.message} if problem else None


def _tls(finding: Finding, *, verified: bool) -> str | None:
    if finding.uses_tls is None:
        return None
    return ("verified" if verified else "unverified") if finding.uses_tls else "none"


def _milliseconds(finding: Finding) -> int:
    return round(finding.seconds * 1000)
