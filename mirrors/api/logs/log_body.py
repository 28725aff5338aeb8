"""A log entry as Quay's API shows it."""

from __future__ import annotations

from typing import Any

from mirrors.api.avatars import AVATAR, avatar
from mirrors.api.dates import mail_date
from mirrors.api.operations import BOOLEAN, INTEGER, MAIL_DATE, STRING, answer, array, or_null
from mirrors.models import LogEntry, Namespace

_ENTRY = {"kind": STRING, "metadata": {"type": "object"}, "ip": or_null(STRING), "datetime": MAIL_DATE}
_PERFORMER = answer({"kind": STRING, "name": STRING, "is_robot": BOOLEAN, "avatar": AVATAR})
_NAMESPACE = answer({"kind": {"enum": ["org", "user"]}, "name": STRING, "avatar": AVATAR})

PAGE = answer(
    {
        "start_time": MAIL_DATE,
        "end_time": MAIL_DATE,
        "logs": array(answer(_ENTRY, {"performer": _PERFORMER, "namespace": _NAMESPACE})),
    },
    {"next_page": STRING},
)
AGGREGATED = answer({"aggregated": array(answer({"kind": STRING, "count": INTEGER, "datetime": MAIL_DATE}))})


def log_body(entry: LogEntry, *, with_namespace: bool) -> dict[str, Any]:
    """What happened, when and by whom; without `performer` where it was the farm itself. Names may have gone."""
    body = {
        "kind": entry.kind,
        "metadata": entry.metadata,
        "ip": entry.ip,
        "datetime": mail_date(entry.created_at),
    }
    if entry.performer_name:
        body["performer"] = _performer(entry.performer_name)
    if with_namespace and entry.namespace_name:
        body["namespace"] = _namespace(entry)
    return body


def _performer(name: str) -> dict[str, Any]:
    is_robot = "+" in name
    return {
        "kind": "user",
        "name": name,
        "is_robot": is_robot,
        "avatar": avatar(name, kind="robot" if is_robot else "user"),
    }


def _namespace(entry: LogEntry) -> dict[str, Any]:
    namespace = entry.namespace
    kind = "user" if namespace and namespace.kind == Namespace.Kind.USER else "org"
    return {"kind": kind, "name": entry.namespace_name, "avatar": avatar(entry.namespace_name, kind=kind)}
