"""/v1/signin and /v1/signout: a session in place of an access token, as Quay's Ansible collection uses it.

The client gets a CSRF token from /csrf_token, signs in with it in X-CSRF-Token, and goes on with that of
X-Next-CSRF-Token.
"""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.middleware.csrf import get_token
from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request
from rest_framework.response import Response

from mirrors.api.authentication import SessionAuthentication
from mirrors.api.bodies import read_object, text
from mirrors.api.endpoint import Endpoint
from mirrors.api.errors import InsufficientScope
from mirrors.api.operations import SUCCESS, operation
from mirrors.models import User
from mirrors.services.accounts import sign_in

CREDENTIALS = {"username": text, "password": text}
NEXT_TOKEN = "X-Next-CSRF-Token"  # noqa: S105 - the name of a header


class BadCredentials(InsufficientScope):
    """The user name or the password is wrong, whichever."""

    def __init__(self) -> None:
        super().__init__("Invalid Username or Password", needsEmailVerification=False, invalidCredentials=True)


class SignInEndpoint(Endpoint):
    """POST /v1/signin."""

    authentication_classes = (SessionAuthentication,)  # so that a token in the header does not spare the CSRF token

    @operation(
        "signinUser",
        answers={200: SUCCESS},
        errors=(400, 403, 415, 429),
        fields=CREDENTIALS,
        required=tuple(CREDENTIALS),
        example={"username": "ada", "password": "correct horse battery staple"},
    )
    @sensitive_variables("body")
    def post(self, request: Request) -> Response:
        """Begin a session; changes in it need the header X-CSRF-Token, with the value of X-Next-CSRF-Token here."""
        body = read_object(request, CREDENTIALS, required=tuple(CREDENTIALS))
        user = authenticate(request._request, username=body["username"], password=body["password"])
        if not isinstance(user, User):
            raise BadCredentials
        sign_in.begin_session(request._request, user)
        return Response({"success": True}, headers={NEXT_TOKEN: get_token(request._request)})


class SignOutEndpoint(Endpoint):
    """POST /v1/signout."""

    authentication_classes = (SessionAuthentication,)

    @operation("logout", answers={200: SUCCESS}, errors=(403,))
    def post(self, request: Request) -> Response:
        """End the session, if there is one."""
        sign_in.end_session(request._request)
        return Response({"success": True})
