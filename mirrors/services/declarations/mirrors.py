"""Mirrors of repositories and of organizations."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.utils import timezone

from mirrors.errors import AlreadySyncing, Forbidden, InvalidInput, NotFound
from mirrors.models import Mirror, Namespace, OrganizationMirror, Robot
from mirrors.models.mirror import DEFAULT_INTERVAL
from mirrors.oci import IndexMode
from mirrors.services import access
from mirrors.services.accounts import organizations, robots
from mirrors.services.declarations import keys
from mirrors.services.declarations.documents import FROM, Document
from mirrors.services.declarations.kinds import UNREADABLE, Kind, check_absent, readable
from mirrors.services.declarations.rights import Rights
from mirrors.services.mirroring import mirrors
from mirrors.services.organization_mirrors import organization_mirrors
from mirrors.services.syncs import syncs

_PASSWORD = "externalRegistryPassword"  # noqa: S105 - the key's name
_CONFIG = {"verifyTls": "verify_tls", "unsignedImages": "unsigned_images"}
_RECEIVERS = frozenset(
    {
        _PASSWORD,
        "externalReference",
        "externalRegistryUrl",
        "externalRegistryUsername",
        "verifyTls",
        "httpProxy",
        "httpsProxy",
    }
)
"""What decides who is shown the password."""
_PROXIES = {"httpProxy": "http_proxy", "httpsProxy": "https_proxy", "noProxy": "no_proxy"}


class RepositoryMirrorKind(Kind[Mirror]):
    """`RepositoryMirror`; from `skopeoTimeout` on the keys are ours."""

    name = "RepositoryMirror"
    columns = {
        "name": "repository",
        "externalReference": "source_reference",
        "externalRegistryUsername": "source_username",
        _PASSWORD: "source_password",
        "imageTags": "tag_patterns",
        "robotUsername": "robot",
        "isEnabled": "is_enabled",
        "syncInterval": "sync_interval",
        "syncStartDate": "starts_at",
        **_CONFIG,
        **_PROXIES,
        "skopeoTimeout": "timeout_seconds",
        "platforms": "platforms",
        "indexMode": "index_mode",
        "copiesReferrers": "copies_referrers",
        "copiesForeignLayers": "copies_foreign_layers",
    }
    keys = {
        "externalReference": keys.text,
        "externalRegistryUsername": keys.optional_text,
        _PASSWORD: keys.secret,
        "imageTags": keys.texts,
        "robotUsername": keys.text,
        "isEnabled": keys.boolean,
        "syncInterval": keys.duration,
        "syncStartDate": keys.moment,
        "verifyTls": keys.optional_boolean,
        "unsignedImages": keys.optional_boolean,
        "httpProxy": keys.proxy,
        "httpsProxy": keys.proxy,
        "noProxy": keys.optional_text,
        "skopeoTimeout": keys.duration,
        "platforms": keys.texts,
        "indexMode": keys.choice(*(mode.value for mode in IndexMode)),
        "copiesReferrers": keys.boolean,
        "copiesForeignLayers": keys.boolean,
        "forceSync": keys.boolean,
    }
    orders = frozenset({"forceSync"})

    def find(self, document: Document, rights: Rights) -> Mirror | None:
        """The mirror of a repository that has to be there, and the user has to administer."""
        rights.require("repo:admin")
        try:
            repository = access.find_repository(document.identity, account=rights.user, administer=True)
        except NotFound as error:
            raise NotFound(f"{error.message} Declare it with a document of the kind Repository.") from error
        with suppress(NotFound):
            return mirrors.find_mirror(repository)
        return None

    def stored(self, row: Mirror) -> dict[str, Any]:
        """By key."""
        stored = {
            key: readable(lambda column=column: getattr(row, column))  # type: ignore[misc]  # bound for each key
            for key, column in self.columns.items()
            if key not in ("name", "robotUsername")
        }
        return stored | {"robotUsername": row.robot.full_name, "syncStartDate": row.starts_at.replace(microsecond=0)}

    def create(self, document: Document, rights: Rights) -> Mirror:
        """The repository turns into the MIRROR state with it."""
        check_absent(document, {})
        repository = access.find_repository(document.identity, account=rights.user, administer=True)
        mirrors.check_manageable(repository)
        if "isEnabled" not in document.values:  # the operator's default, that one file means the same to both
            document.notes.append("spec.isEnabled is missing: the mirror is made disabled.")
        return mirrors.create_mirror(repository, {"is_enabled": False} | self._values(document.values))

    def change(self, row: Mirror, document: Document, changed: Mapping[str, Any], rights: Rights) -> None:
        """What differs."""
        mirrors.check_manageable(row.repository)
        mirrors.change_mirror(row, self._values(_with_credentials(document, changed, self.stored(row))))
        _check_password_kept(document, row.source_password_ciphertext)

    def follow_orders(self, row: Mirror, document: Document, rights: Rights) -> None:
        """`forceSync`: once for each change, so that applying the same again does nothing."""
        if document.values.get("forceSync"):
            with suppress(AlreadySyncing):
                syncs.request_sync(row, by=rights.user)

    def _values(self, by_key: Mapping[str, Any]) -> dict[str, Any]:
        values = self.values_of(by_key)
        return values | ({"robot": _robot(by_key["robotUsername"])} if "robotUsername" in by_key else {})


class OrganizationMirrorKind(Kind[OrganizationMirror]):
    """`OrganizationMirror`."""

    name = "OrganizationMirror"
    identity = "organization"
    columns = {
        "organization": "namespace",
        "externalRegistryType": "source_type",
        "externalRegistryUrl": "source_url",
        "externalNamespace": "source_namespace",
        "externalRegistryUsername": "source_username",
        _PASSWORD: "source_password",
        "robotUsername": "robot",
        "visibility": "visibility",
        "repositoryFilters": "repository_filters",
        "isEnabled": "is_enabled",
        "syncInterval": "sync_interval",
        "syncStartDate": "starts_at",
        "skopeoTimeout": "timeout_seconds",
        "noProxy": "registry_config",
    }
    keys = {
        "externalRegistryType": keys.choice(*OrganizationMirror.SourceType.values),
        "externalRegistryUrl": keys.text,
        "externalNamespace": keys.text,
        "externalRegistryUsername": keys.optional_text,
        _PASSWORD: keys.secret,
        "robotUsername": keys.text,
        "visibility": keys.choice("public", "private"),
        "repositoryFilters": keys.texts,
        "isEnabled": keys.boolean,
        "syncInterval": keys.duration,
        "syncStartDate": keys.moment,
        "verifyTls": keys.optional_boolean,
        "unsignedImages": keys.optional_boolean,
        "httpProxy": keys.proxy,
        "httpsProxy": keys.proxy,
        "noProxy": keys.optional_text,
        "skopeoTimeout": keys.duration,
        "forceSync": keys.boolean,
    }
    orders = frozenset({"forceSync"})
    _REQUIRED = ("externalRegistryType", "externalRegistryUrl", "externalNamespace", "robotUsername")

    def find(self, document: Document, rights: Rights) -> OrganizationMirror | None:
        """The mirror of an organization that has to be there, and the user has to administer."""
        rights.require("org:admin")
        organization = _organization(document.identity, rights)
        with suppress(NotFound):
            return organization_mirrors.find_organization_mirror(organization)
        return None

    def stored(self, row: OrganizationMirror) -> dict[str, Any]:
        """By key."""
        config = readable(lambda: row.registry_config)
        stored = {
            key: readable(lambda column=column: getattr(row, column))  # type: ignore[misc]  # bound for each key
            for key, column in self.columns.items()
            if column not in ("namespace", "robot", "registry_config")
        }
        start = row.starts_at.replace(microsecond=0)
        return stored | {"robotUsername": row.robot.full_name, "syncStartDate": start} | _of_config(config)

    def create(self, document: Document, rights: Rights) -> OrganizationMirror:
        """With what the operator's resource has for keys that are missing: public, daily, from now on."""
        check_absent(document, {})
        missing = [key for key in self._REQUIRED if key not in document.values]
        if missing:
            raise InvalidInput("is required to set up mirroring.", field=f"spec.{missing[0]}")
        defaults = {
            "visibility": "public",
            "sync_interval": DEFAULT_INTERVAL,
            "starts_at": timezone.now().replace(microsecond=0),
        }
        organization = _organization(document.identity, rights)
        values = defaults | self._values(document.values, config={})
        return organization_mirrors.create_organization_mirror(organization, values)

    def change(self, row: OrganizationMirror, document: Document, changed: Mapping[str, Any], rights: Rights) -> None:
        """What differs; the type of the source cannot."""
        if "externalRegistryType" in changed:
            raise InvalidInput(
                "cannot be changed: delete the mirror and declare it anew.", field="spec.externalRegistryType"
            )
        config = readable(lambda: row.registry_config)
        given = _with_credentials(document, changed, self.stored(row))
        values = self._values(given, config={} if config is UNREADABLE else config)
        changed_row = organization_mirrors.change_organization_mirror(row.namespace, values)
        _check_password_kept(document, changed_row.source_password_ciphertext)

    def follow_orders(self, row: OrganizationMirror, document: Document, rights: Rights) -> None:
        """`forceSync`: once for each change."""
        if document.values.get("forceSync"):
            with suppress(AlreadySyncing, InvalidInput):
                organization_mirrors.request_discovery(row.namespace)

    def _values(self, by_key: Mapping[str, Any], *, config: dict[str, Any]) -> dict[str, Any]:
        values = self.values_of({key: value for key, value in by_key.items() if key not in _PROXIES})
        if "robotUsername" in by_key:
            values["robot"] = _robot(by_key["robotUsername"])
        if any(key in by_key for key in (*_CONFIG, *_PROXIES)):
            values["registry_config"] = _config_with(config, by_key)
        return values


def _of_config(config: Any) -> dict[str, Any]:
    if config is UNREADABLE:
        return dict.fromkeys((*_CONFIG, *_PROXIES), UNREADABLE)
    proxy = config.get("proxy") or {}
    own = {key: config.get(name) for key, name in _CONFIG.items()}
    return own | {key: proxy.get(name) for key, name in _PROXIES.items()}


def _config_with(config: dict[str, Any], by_key: Mapping[str, Any]) -> dict[str, Any]:
    """The stored configuration with the declared keys put over it; null takes a key away."""
    merged = config | {name: by_key[key] for key, name in _CONFIG.items() if key in by_key}
    proxy = (config.get("proxy") or {}) | {name: by_key[key] for key, name in _PROXIES.items() if key in by_key}
    merged["proxy"] = {name: value for name, value in proxy.items() if value is not None}
    return {name: value for name, value in merged.items() if value not in (None, {})}


def _with_credentials(document: Document, changed: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The changes, with the declared password even where it is the stored one and would be forgotten with them.

    No password comes without its user name.
    """
    given = dict(changed)
    if _PASSWORD in document.values and _RECEIVERS.intersection(changed):
        given[_PASSWORD] = document.values[_PASSWORD]
        username = document.values.get("externalRegistryUsername", stored["externalRegistryUsername"])
        if username is not UNREADABLE:
            given["externalRegistryUsername"] = username
    return given


def _check_password_kept(document: Document, ciphertext: str | None) -> None:
    if _PASSWORD in document.absent and ciphertext is None:
        raise InvalidInput(
            "names a Secret that is not in the stream, and the stored password is not given to another source or "
            "proxy. Put it there.",
            field=f"spec.{_PASSWORD}{FROM}",
        )


def _robot(full_name: str) -> Robot:
    try:
        return robots.find_robot(full_name)
    except NotFound as error:
        raise InvalidInput(
            "names a robot that does not exist. Declare it with the kind Robot.", field="robot"
        ) from error


def _organization(name: str, rights: Rights) -> Namespace:
    organization = organizations.find_organization(name)
    if not access.administers_namespace(rights.user, organization):
        raise Forbidden(f"You need to administer {name} for that.")
    return organization
