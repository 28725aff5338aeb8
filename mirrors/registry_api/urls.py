"""`/v2/`: include at the root, because clients ask for `/v2` as well as `/v2/`."""

from __future__ import annotations

from django.urls import path

from mirrors.registry_api import views

app_name = "registry_api"

urlpatterns = [
    path("v2", views.registry, name="version"),
    path("v2/", views.registry, name="registry"),
    path("v2/auth", views.token, name="token"),
    path("v2/<path:path>", views.registry, name="content"),
]
