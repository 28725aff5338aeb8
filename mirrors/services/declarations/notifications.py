"""Whom a repository's events are told to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mirrors.errors import InvalidInput
from mirrors.models import NotificationTarget, Repository
from mirrors.services import access
from mirrors.services.declarations import keys
from mirrors.services.declarations.documents import Document
from mirrors.services.declarations.keys import MASK, Key
from mirrors.services.declarations.kinds import UNREADABLE, Kind, check_absent, readable
from mirrors.services.declarations.rights import Rights
from mirrors.services.notifications import notification_configs, notification_targets

_KNOWN = ("email", "url", "template", "name", "type")


def _read_config(value: Any) -> dict[str, Any]:
    """The operator's keys, or JSON text of them, as the method knows them."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise InvalidInput("must be an object, or JSON text of one.") from error
    if not isinstance(value, dict) or not all(isinstance(part, str) for part in value.values()):
        raise InvalidInput("must be an object of texts.")
    unknown = sorted(set(value) - set(_KNOWN))
    if unknown:
        raise InvalidInput(f"has an unknown key, {unknown[0][:50]}. Known: {', '.join(_KNOWN)}.")
    config = {name: value[name] for name in ("email", "url", "template") if value.get(name)}
    if "name" in value:
        config["target"] = {"kind": value.get("type", "user"), "name": value["name"]}
    return config


def _show_config(config: dict[str, Any]) -> dict[str, str]:
    shown = {name: config[name] for name in ("email", "url", "template") if config.get(name)}
    target = config.get("target") or {}
    return shown | ({"name": target["name"], "type": target["kind"]} if target else {})


def _tell_config(config: dict[str, Any]) -> dict[str, str]:
    """An address may hold a secret: Slack's is one."""
    shown = _show_config(config)
    return shown | ({"url": MASK} if "url" in shown else {})


class NotificationKind(Kind[NotificationTarget]):
    """`Notification`: known again by its title, or without one by its event and method."""

    name = "Notification"
    identity = "repository"
    columns = {"repository": "repository", "title": "title", "event": "event", "method": "method", "config": "config"}
    keys = {
        "title": keys.text,
        "event": keys.text,
        "method": keys.choice(*notification_configs.USABLE),
        "config": Key(_read_config, show=_show_config, tell=_tell_config, is_secret=True),
    }
    passed_over = frozenset(
        {"imageExpiryDays", "vulnerabilityLevel", "regexp", "searchString", "resetFailcount", "test"}
    )
    told_apart_by = ("title", "event", "method")

    def find(self, document: Document, rights: Rights) -> NotificationTarget | None:
        """The target, of a repository that the user administers."""
        rights.require("repo:admin")
        repository = access.find_repository(document.identity, account=rights.user, administer=True)
        found = notification_targets.targets_of(repository).select_related("repository__namespace")
        wanted = document.values
        if wanted.get("title"):
            return found.filter(title=wanted["title"]).first()
        return found.filter(title="", event=wanted.get("event", ""), method=wanted.get("method", "")).first()

    def stored(self, row: NotificationTarget) -> dict[str, Any]:
        """By key."""
        config = readable(lambda: json.loads(row.config_text or "{}"))
        return {"title": row.title, "event": row.event, "method": row.method, "config": config}

    def create(self, document: Document, rights: Rights) -> NotificationTarget:
        """Event, method and config are needed."""
        check_absent(document, {})
        repository = access.find_repository(document.identity, account=rights.user, administer=True)
        return self._create(repository, document.values)

    def change(self, row: NotificationTarget, document: Document, changed: Mapping[str, Any], rights: Rights) -> None:
        """A target is not changed but made anew, as the API has it; its failures are counted anew with it."""
        values = self.stored(row) | dict(changed)
        if values["config"] is UNREADABLE:
            raise InvalidInput("cannot be read with the present ENCRYPTION_KEYS: declare it.", field="config")
        notification_targets.delete_target(row)
        self._create(row.repository, values)

    def _create(self, repository: Repository, values: Mapping[str, Any]) -> NotificationTarget:
        for key in ("event", "method", "config"):
            if not values.get(key):
                raise InvalidInput("is required.", field=key)
        return notification_targets.create_target(
            repository,
            event=values["event"],
            method=values["method"],
            config=values["config"],
            event_config={},
            title=values.get("title"),
        )
