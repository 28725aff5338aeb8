"""Where each endpoint is: addresses of their own before those that the name of a repository could match."""

from __future__ import annotations

from django.urls import re_path

from mirrors.api.accounts.routes import ROUTES as ACCOUNTS
from mirrors.api.declarations.routes import ROUTES as DECLARATIONS
from mirrors.api.documents.routes import ROUTES as DOCUMENTS
from mirrors.api.endpoint import UnknownRoute
from mirrors.api.fleet.routes import ROUTES as FLEET
from mirrors.api.health.routes import ROUTES as HEALTH
from mirrors.api.logs.routes import ROUTES as LOGS
from mirrors.api.mirroring.routes import ROUTES as MIRRORING
from mirrors.api.notifications.routes import ROUTES as NOTIFICATIONS
from mirrors.api.organization_mirrors.routes import ROUTES as ORGANIZATION_MIRRORS
from mirrors.api.repositories.routes import ROUTES as REPOSITORIES
from mirrors.api.sign_in.routes import ROUTES as SIGN_IN

app_name = "api"
urlpatterns = [
    *SIGN_IN,
    *HEALTH,
    *ORGANIZATION_MIRRORS,
    *NOTIFICATIONS,
    *FLEET,
    *DECLARATIONS,
    *MIRRORING,
    *ACCOUNTS,
    *LOGS,
    *DOCUMENTS,
    *REPOSITORIES,
    re_path("", UnknownRoute.as_view()),
]
