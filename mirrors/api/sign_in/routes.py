"""Addresses of signing in."""

from __future__ import annotations

from mirrors.api.routes import both
from mirrors.api.sign_in import first_user, sessions

ROUTES = [
    *both("v1/signin", sessions.SignInEndpoint),
    *both("v1/signout", sessions.SignOutEndpoint),
    *both("v1/user/initialize", first_user.FirstUserEndpoint),
]
