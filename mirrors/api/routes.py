"""How addresses are written. Each answers with and without a slash at its end: a redirect would lose a POST."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter
from django.urls.converters import IntConverter, StringConverter

from mirrors.api.endpoint import Endpoint


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


def both(route: str, endpoint: type[Endpoint], *, name: str | None = None) -> list[URLPattern]:
    """The route as written, which is how the documents write it, and its other form."""
    view = endpoint.as_view()
    other = route.removesuffix("/") if route.endswith("/") else f"{route}/"
    return [path(route, view, name=name), path(other, view)]
