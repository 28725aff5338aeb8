"""Where each door is."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("mirrors.registry_api.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("mirrors.api.urls")),
    path("", include("mirrors.web.urls")),
]
