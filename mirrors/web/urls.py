"""Addresses of the pages; Quay's where Quay has the page."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import path
from django.views.generic import RedirectView

from mirrors.web import accounts, mirroring, oauth, openid, repositories

app_name = "web"

TABS: dict[str, Callable[..., HttpResponseBase]] = {
    "information": repositories.InformationTab.as_view(),
    "mirroring": mirroring.MirroringTab.as_view(),
}
"""The tabs of a repository's page, by `?tab=`: nested names may end in any word, so no tab is part of the path."""


def repository_page(request: HttpRequest, namespace: str, name: str) -> HttpResponseBase:
    """The tab that is asked for, Information otherwise."""
    tab = TABS.get(request.GET.get("tab", ""), TABS["information"])
    return tab(request, namespace=namespace, name=name)


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="web:repositories"), name="home"),
    path("signin", accounts.SignInView.as_view(), name="sign-in"),
    path("signout", accounts.sign_out, name="sign-out"),
    path("csrf_token", accounts.csrf_token, name="csrf-token"),
    path("oauth/authorize", oauth.AuthorizePage.as_view(), name="oauth-authorize"),
    path("oauth/authorizeapp", oauth.AuthorizeApplication.as_view(), name="oauth-authorizeapp"),
    path("oauth/denyapp", oauth.DenyApplication.as_view(), name="oauth-denyapp"),
    path("oauth/localapp", oauth.local_application, name="oauth-localapp"),
    path("oidc/authenticate", openid.AuthenticateView.as_view(), name="openid-authenticate"),
    path("oidc/callback", openid.CallbackView.as_view(), name="openid-callback"),
    path("theme", accounts.change_theme, name="theme"),
    path("repository", repositories.RepositoryList.as_view(), name="repositories"),
    path("new-repository", repositories.CreateRepository.as_view(), name="create-repository"),
    path("repository/<str:namespace>/<path:name>", repository_page, name="repository"),
    path("mirror/status/<str:namespace>/<path:name>", mirroring.StatusFragment.as_view(), name="mirror-status"),
    path("mirror/history/<str:namespace>/<path:name>", mirroring.HistoryFragment.as_view(), name="mirror-history"),
    path("mirror/sync-now/<str:namespace>/<path:name>", mirroring.SyncNow.as_view(), name="mirror-sync-now"),
    path("mirror/cancel/<str:namespace>/<path:name>", mirroring.CancelSync.as_view(), name="mirror-cancel"),
    path("mirror/enabled/<str:namespace>/<path:name>", mirroring.SetEnabled.as_view(), name="mirror-enabled"),
]
