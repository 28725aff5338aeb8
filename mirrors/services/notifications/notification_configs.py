"""What each method of notification has to be told, and refuses: Quay's methods, texts and keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from yarl import URL

from mirrors.errors import InvalidInput, NotFound
from mirrors.models import Namespace, Repository, User
from mirrors.oci import BlockedDestination
from mirrors.services import access
from mirrors.services.accounts import people, teams
from mirrors.services.syncs import connections

LONGEST_URL = 2048
LONGEST_TEMPLATE = 16 * 1024
_CLOSED = "and nothing can be delivered there any more. Use slack or webhook"

Config = dict[str, Any]


def clean_config(method: str, config: Mapping[str, Any], *, repository: Repository) -> Config:
    """The keys that the method knows, checked; raises InvalidInput with Quay's texts where it has any."""
    if method not in METHODS:
        raise InvalidInput(f"There is no method of notification {method[:40]}. Choose {' or '.join(USABLE)}.")
    return METHODS[method](config, repository)


def _in_app(config: Mapping[str, Any], repository: Repository) -> Config:
    target = config.get("target")
    if not isinstance(target, Mapping) or not target.get("kind") or not target.get("name"):
        raise InvalidInput("Missing target", field="config")
    kind, name = str(target["kind"]), str(target["name"])
    if kind not in _TARGETS:
        raise InvalidInput(f"The target's kind must be {' or '.join(_TARGETS)}.", field="config")
    try:
        _TARGETS[kind](name, repository)
    except NotFound as error:
        words = "organization" if kind == "org" else kind
        raise InvalidInput(f"Unknown {words} {name[:255]}", field="config") from error
    return {"target": {"kind": kind, "name": name}}


def _find_user(name: str, repository: Repository) -> None:
    people.find_active_person(name)


def _find_team(name: str, repository: Repository) -> None:
    teams.find_team(repository.namespace, name)


def _find_organization(name: str, repository: Repository) -> None:
    if name != repository.namespace.name:
        if not Namespace.objects.filter(name=name, kind=Namespace.Kind.ORGANIZATION).exists():
            raise NotFound(f"There is no organization named {name}.")
        raise InvalidInput("Organization name must match repository namespace", field="config")
    if repository.namespace.kind != Namespace.Kind.ORGANIZATION:
        raise NotFound(f"{name} is a person's own namespace.")


_TARGETS: dict[str, Callable[[str, Repository], None]] = {
    "user": _find_user,
    "team": _find_team,
    "org": _find_organization,
}


def _email(config: Mapping[str, Any], repository: Repository) -> Config:
    address = _text(config, "email", missing="Missing e-mail address")
    try:
        validate_email(address)
    except ValidationError as error:
        raise InvalidInput("The e-mail address is not valid.", field="config") from error
    if not _is_known(address, repository):
        raise InvalidInput(
            "The specified e-mail address is not authorized to receive notifications for this repository. Give that of "
            "an account of this farm that may see the repository, or the organization's own.",
            field="config",
        )
    return {"email": address}


def _is_known(address: str, repository: Repository) -> bool:
    """Nobody gets mail from a farm that they have nothing to do with."""
    if address.lower() == repository.namespace.email.lower():
        return True
    accounts = User.objects.filter(email__iexact=address, is_active=True)[:10]
    return any(access.repository_role(account, repository) is not None for account in accounts)


def _webhook(config: Mapping[str, Any], repository: Repository) -> Config:
    url = _url(config, missing="Missing webhook URL", invalid="Invalid webhook URL")
    template = config.get("template")
    if template in (None, ""):
        return {"url": url}
    if not isinstance(template, str) or len(template) > LONGEST_TEMPLATE:
        raise InvalidInput(
            f"The template of the webhook must be the text of a JSON document, of {LONGEST_TEMPLATE} characters at "
            "most.",
            field="config",
        )
    try:
        json.loads(template)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The template of the webhook is not valid JSON.", field="config") from error
    return {"url": url, "template": template}


def _slack(config: Mapping[str, Any], repository: Repository) -> Config:
    return {"url": _url(config, missing="Missing Slack Callback URL", invalid="Invalid Slack Callback URL")}


def _flowdock(config: Mapping[str, Any], repository: Repository) -> Config:
    _text(config, "flow_api_token", missing="Missing Flowdock API Token")
    raise InvalidInput(f"Flowdock was shut down in 2023, {_CLOSED}.", field="method")


def _hipchat(config: Mapping[str, Any], repository: Repository) -> Config:
    _text(config, "notification_token", missing="Missing Hipchat Room Notification Token")
    _text(config, "room_id", missing="Missing Hipchat Room ID")
    raise InvalidInput(f"Hipchat was shut down in 2019, {_CLOSED}.", field="method")


METHODS: dict[str, Callable[[Mapping[str, Any], Repository], Config]] = {
    "quay_notification": _in_app,
    "email": _email,
    "webhook": _webhook,
    "slack": _slack,
    "flowdock": _flowdock,
    "hipchat": _hipchat,
}
USABLE = ("quay_notification", "email", "webhook", "slack")


def _text(config: Mapping[str, Any], key: str, *, missing: str) -> str:
    value = config.get(key)
    if not isinstance(value, str | int) or isinstance(value, bool) or not str(value).strip():
        raise InvalidInput(missing, field="config")
    return str(value)


def _url(config: Mapping[str, Any], *, missing: str, invalid: str) -> str:
    """An address that the egress guard permits, as far as one can tell without looking its name up."""
    text = _text(config, "url", missing=missing)
    refusal = InvalidInput(
        f"{invalid}: give an http:// or https:// address that this farm may connect to. Its administrator can allow a "
        "host: see SSRF_ALLOWED_HOSTS.",
        field="config",
    )
    if len(text) > LONGEST_URL:
        raise refusal
    try:
        url = URL(text)
        connections.guard().check_url(url.with_user(None) if url.absolute else url)
    except (ValueError, BlockedDestination) as error:
        raise refusal from error
    return text
