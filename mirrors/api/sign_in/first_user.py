"""/v1/user/initialize: the first user of an empty farm."""

from __future__ import annotations

from typing import Any

from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.bodies import boolean, nullable, read_object, text
from mirrors.api.endpoint import Endpoint
from mirrors.api.operations import STRING, answer, operation, or_null
from mirrors.services.accounts import first_user

FIELDS = {"username": text, "password": text, "email": nullable(text), "access_token": nullable(boolean)}
REQUIRED = ("username", "password")
FIRST_USER = answer(
    {"username": STRING, "email": or_null(STRING), "encrypted_password": STRING}, {"access_token": STRING}
)


class FirstUserEndpoint(Endpoint):
    """POST /v1/user/initialize, open to everyone while there is no user."""

    authentication_classes = ()

    @operation(
        "initializeUser",
        answers={200: FIRST_USER},
        errors=(400, 415),
        fields=FIELDS,
        required=REQUIRED,
        example={"username": "quayadmin", "password": "quaypass12345", "access_token": True},
    )
    @sensitive_variables("body", "made")
    def post(self, request: Request) -> Response:
        """Make the administrator, and with `access_token` a token of all scopes that lives for 9000 seconds."""
        first_user.check_wanted()
        body = read_object(request, FIELDS, required=REQUIRED)
        made = first_user.create_first_user(
            body["username"],
            password=body["password"],
            email=body.get("email") or "",
            with_token=bool(body.get("access_token")),
        )
        shown: dict[str, Any] = {
            "username": made.user.username,
            "email": body.get("email"),
            "encrypted_password": made.encrypted_password,
        }
        return Response(shown | ({"access_token": made.token} if made.token else {}))
