"""From the contract's names to ours: the body of a POST or PUT, checked in Quay's order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mirrors.api.bodies import array_of, boolean, integer, nullable, object_of, one_of, text
from mirrors.api.mirroring.mirror_body import DATE_FORMAT, PROXIES, RULE_KIND, SWITCHES, shown_proxy
from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Mirror, Robot
from mirrors.models.mirror import MINIMUM_TIMEOUT, architectures_of
from mirrors.oci import IndexMode
from mirrors.services.accounts import robots
from mirrors.services.mirroring import mirror_fields, mirrors

FIELDS = {
    "is_enabled": boolean,
    "external_reference": text,
    "external_registry_username": nullable(text),
    "external_registry_password": nullable(text),
    "sync_start_date": text,
    "sync_interval": integer(minimum=0),
    "robot_username": text,
    "root_rule": object_of(
        {"rule_kind": one_of(RULE_KIND), "rule_value": array_of(text)}, required=("rule_kind", "rule_value")
    ),
    "skopeo_timeout_interval": integer(minimum=MINIMUM_TIMEOUT),
    "external_registry_config": object_of(
        {
            "verify_tls": boolean,
            "unsigned_images": boolean,
            "proxy": object_of(dict.fromkeys(PROXIES, nullable(text))),
        }
    ),
    "architecture_filter": nullable(array_of(text)),
    "platforms": nullable(array_of(text)),
    "index_mode": one_of(*IndexMode),
    "copies_referrers": boolean,
    "copies_foreign_layers": boolean,
}
REQUIRED = ("external_reference", "sync_start_date", "sync_interval", "root_rule")
"""On POST. Quay wants skopeo_timeout_interval too and breaks without robot_username: docs/quay-compatibility.md."""

Body = dict[str, Any]
Step = Callable[[Body, Mirror | None], dict[str, Any]]


def values_for_creation(body: Body) -> dict[str, Any]:
    """The mirror's fields; raises InvalidInput for the first that is not acceptable."""
    steps = (_reference, _platforms, _timeout, _start, _patterns, _robot, _credentials, _plain, _registry_config)
    return _values(body, None, steps)


def values_for_change(body: Body, *, mirror: Mirror) -> dict[str, Any]:
    """The same for the fields that are given."""
    steps = (_reference, _start, _timeout, _platforms, _credentials, _patterns, _robot, _plain, _registry_config)
    return _values(body, mirror, steps)


def _values(body: Body, mirror: Mirror | None, steps: tuple[Step, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for step in steps:
        values |= step(body, mirror)
    return values


def _renamed(names: dict[str, str]) -> Step:
    """A step that gives contract fields their names here and checks them."""

    def step(body: Body, _: Mirror | None) -> dict[str, Any]:
        return mirror_fields.clean({ours: body[theirs] for theirs, ours in names.items() if theirs in body})

    return step


_reference = _renamed({"external_reference": "source_reference"})
_timeout = _renamed({"skopeo_timeout_interval": "timeout_seconds"})
_PLAIN = ("is_enabled", "sync_interval", "index_mode", "copies_referrers", "copies_foreign_layers")
_plain = _renamed({name: name for name in _PLAIN})


def _platforms(body: Body, mirror: Mirror | None) -> dict[str, Any]:
    """From Quay's `architecture_filter` or our `platforms`, which says more of the same thing.

    Whichever only repeats what GET shows is no change: so a client that knows but one of them may send both back.
    """
    given: dict[str, list[str]] = {}
    if "architecture_filter" in body:
        given["architecture_filter"] = mirror_fields.clean_architectures(body["architecture_filter"])
    if "platforms" in body:
        given |= _named({"platforms": body["platforms"]}, {})
    shown = {"architecture_filter": mirror.architectures, "platforms": mirror.platforms} if mirror else {}
    news = {name: value for name, value in given.items() if name not in shown or value != shown[name]}
    if len(news) == 2 and set(architectures_of(news["platforms"])) != set(news["architecture_filter"]):
        raise InvalidInput(
            "platforms and architecture_filter contradict each other: give one of them, or the same architectures in "
            "both.",
            field="platforms",
        )
    chosen = news.get("platforms", news.get("architecture_filter"))
    return {} if chosen is None else {"platforms": chosen}


def _start(body: Body, _: Mirror | None) -> dict[str, Any]:
    if "sync_start_date" not in body:
        return {}
    try:
        start = datetime.strptime(body["sync_start_date"], DATE_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidInput("Incorrect DateTime format for sync_start_date.", field="starts_at") from error
    return mirror_fields.clean({"starts_at": start})


def _patterns(body: Body, _: Mirror | None) -> dict[str, Any]:
    if "root_rule" not in body:
        return {}
    patterns = body["root_rule"]["rule_value"]
    if not patterns:
        raise InvalidInput(
            "validation failed: rule_value for TAG_GLOB_CSV must be a list with at least one rule", field="tag_patterns"
        )
    return mirror_fields.clean({"tag_patterns": patterns})


def _robot(body: Body, _: Mirror | None) -> dict[str, Any]:
    return {"robot": robot_named(body["robot_username"])} if "robot_username" in body else {}


def robot_named(full_name: str) -> Robot:
    """The robot; InvalidInput, with Quay's words, where there is none: the address of the request is right."""
    if "+" not in full_name:
        raise InvalidInput("Invalid robot", field="robot")
    try:
        return robots.find_robot(full_name)
    except NotFound as error:
        raise InvalidInput(error.message, field="robot") from error


def _credentials(body: Body, mirror: Mirror | None) -> dict[str, Any]:
    names = {"external_registry_username": "source_username", "external_registry_password": "source_password"}
    if mirror is None:
        values = {ours: body.get(theirs) for theirs, ours in names.items()}
    else:
        values = {ours: body[theirs] for theirs, ours in names.items() if theirs in body}
    cleaned = _named(values, {ours: theirs for theirs, ours in names.items()})
    mirrors.check_credentials(cleaned)
    return cleaned


def _registry_config(body: Body, mirror: Mirror | None) -> dict[str, Any]:
    if "external_registry_config" not in body:
        return {}
    config = body["external_registry_config"]
    proxy = config.get("proxy", {})
    values = {name: config[name] for name in SWITCHES if name in config}
    for name, value in proxy.items():
        # A client that sends back what it was shown, password masked, wants no change.
        if mirror is None or value is None or value != shown_proxy(mirror, name):
            values[name] = value
    given = [*config, *(f"proxy.{name}" for name in proxy)]
    cleaned = _named(values, {name: f"external_registry_config.proxy.{name}" for name in PROXIES})
    return cleaned | {"registry_config_keys": given}


def _named(values: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Cleaned. A refusal begins with the field's name: these fields' own sentences do not say it."""
    try:
        return mirror_fields.clean(values)
    except InvalidInput as error:
        name = names.get(error.field, error.field)
        raise InvalidInput(f"{name}: {error.message}", field=error.field) from error
