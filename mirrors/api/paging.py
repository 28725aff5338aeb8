"""Lists that are read page by page: the `next_page` of an answer, given back in the query, brings the page after it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core import signing
from rest_framework.request import Request

from mirrors.api.errors import InvalidRequest
from mirrors.api.operations import STRING

VALID_FOR = timedelta(days=2)
"""As long as Quay's."""
NEXT_PAGE = (STRING, "The next_page of the answer before; it is valid for two days.")
"""What `operation(query={"next_page": NEXT_PAGE})` says of it."""


def next_page_token(position: Any, *, of: str) -> str:
    """An opaque text for this position, JSON that says where the next page begins. of: the list that it belongs to."""
    return signing.dumps(position, salt=_salt(of))


def read_next_page(request: Request, *, of: str) -> Any | None:
    """The position behind the query's next_page, None for the first page; InvalidRequest where it is not valid."""
    text = request.query_params.get("next_page", "")
    if not text:
        return None
    try:
        return signing.loads(text, salt=_salt(of), max_age=VALID_FOR)
    except signing.BadSignature as error:
        raise InvalidRequest(
            "next_page is not valid here: it belongs to another list or is older than two days. Begin without it."
        ) from error


def _salt(of: str) -> str:
    return f"mirrors.api.paging:{of}"
