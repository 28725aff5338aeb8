"""Where each door is."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from mirrors.web import accounts

handler400 = "mirrorfarm.error_pages.bad_request"
handler403 = "mirrorfarm.error_pages.permission_denied"
handler404 = "mirrorfarm.error_pages.page_not_found"
handler500 = "mirrorfarm.error_pages.server_error"

urlpatterns = [
    path("", include("mirrors.registry_api.urls")),
    # One place to sign in: the one that slows down who guesses, and that offers OpenID.
    path("admin/login/", accounts.admin_sign_in),
    path("admin/", admin.site.urls),
    path("api/", include("mirrors.api.urls")),
    path("", include("mirrors.web.urls")),
]
