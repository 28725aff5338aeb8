"""Where each endpoint is. Every address answers with and without a slash at its end: a redirect would lose a POST."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path, register_converter
from django.urls.converters import IntConverter, StringConverter

from mirrors.api import accounts, mirrors, repositories, robots
from mirrors.api.endpoint import Endpoint, ErrorType, UnknownRoute


class FullName(StringConverter):
    """`namespace/name`, where the name may have further parts."""

    regex = r"[^/\x00]+(?:/[^/\x00]+)+"


class Name(StringConverter):
    """One part of an address."""

    regex = r"[^/\x00]+"


class Number(IntConverter):
    """The id of a row, no larger than databases count."""

    regex = "[0-9]{1,18}"


register_converter(FullName, "full_name")
register_converter(Name, "name")
register_converter(Number, "number")


def both(route: str, endpoint: type[Endpoint]) -> list[URLPattern]:
    """The route as written, and with a slash at its end."""
    view = endpoint.as_view()
    return [path(route, view), path(f"{route}/", view)]


app_name = "api"
urlpatterns = [
    *both("v1/repository", repositories.RepositoriesEndpoint),
    *both("v1/repository/<full_name:repository>/mirror", mirrors.MirrorEndpoint),
    *both("v1/repository/<full_name:repository>/mirror/sync-now", mirrors.SyncNowEndpoint),
    *both("v1/repository/<full_name:repository>/mirror/sync-cancel", mirrors.SyncCancelEndpoint),
    *both("v1/repository/<full_name:repository>/mirror/syncs", mirrors.SyncsEndpoint),
    *both("v1/repository/<full_name:repository>/mirror/syncs/<number:sync_id>", mirrors.SyncEndpoint),
    *both("v1/repository/<full_name:repository>", repositories.RepositoryEndpoint),
    *both("v1/organization", accounts.OrganizationsEndpoint),
    *both("v1/organization/<name:organization>", accounts.OrganizationEndpoint),
    *both("v1/organization/<name:organization>/robots", robots.RobotsEndpoint),
    *both("v1/organization/<name:organization>/robots/<name:robot>", robots.RobotEndpoint),
    *both("v1/user", accounts.UserEndpoint),
    *both("v1/user/robots", robots.UserRobotsEndpoint),
    *both("v1/user/robots/<name:robot>", robots.UserRobotEndpoint),
    *both("v1/error/<name:error_type>", ErrorType),
    re_path("", UnknownRoute.as_view()),
]
