"""Where each door is."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

handler400 = "mirrorfarm.error_pages.bad_request"
handler403 = "mirrorfarm.error_pages.permission_denied"
handler404 = "mirrorfarm.error_pages.page_not_found"
handler500 = "mirrorfarm.error_pages.server_error"

urlpatterns = [
    path("", include("mirrors.registry_api.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("mirrors.api.urls")),
    path("", include("mirrors.web.urls")),
]
