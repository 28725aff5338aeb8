"""What each module of the collection calls, in order. Each gives whether it changed something."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tests.contract.collection.client import Client, ModuleFailed

UNDER_WAY = ("SYNCING", "SYNC_NOW")


def find_namespace(client: Client, namespace: str) -> bool:
    """The prologue of modules that take `namespace/name` or `namespace+robot`: whether there is such a namespace."""
    username = client.get("user/")["username"]
    if client.get(f"organization/{namespace}") is not None:
        return True
    client.get(f"user/robots/{namespace}", none=(400, 404))
    results = client.get(f"entities/{namespace}", includeOrgs=False, includeTeams=False)["results"]
    return namespace == username or any(each["name"] == namespace and each["kind"] == "user" for each in results)


def require_namespace(client: Client, namespace: str) -> None:
    """The same; the module fails without one."""
    if not find_namespace(client, namespace):
        raise ModuleFailed(f"The {namespace} namespace does not exist.")


def organization_mirror(
    client: Client, organization: str, *, state: str = "present", force_sync: bool = False, **wanted: Any
) -> bool:
    """quay_organization_mirror."""
    path = f"organization/{organization}/mirror"
    if client.get(f"organization/{organization}") is None:
        if state == "absent":
            return False
        raise ModuleFailed(f"The {organization} organization does not exist.")
    present = client.get(path)
    if state == "absent":
        return present is not None and client.delete(path)
    if present is None:
        client.post(path, wanted)
        if force_sync:
            client.post(f"{path}/sync-now", {})
        return True
    if present["sync_status"] == "SYNCING":
        return False
    changed = _differs(present, wanted, leave_out=("external_registry_type",))
    if changed:
        client.put(path, wanted)
    if force_sync and present["sync_status"] not in UNDER_WAY:
        client.post(f"{path}/sync-now", {})
        changed = True
    return changed


def repository_mirror(client: Client, repository: str, *, force_sync: bool = False, **given: Any) -> bool:
    """quay_repository_mirror. A mirror that is new gets defaults, one that is there only what was given."""
    require_namespace(client, repository.partition("/")[0])
    path = f"repository/{repository}/mirror"
    present = client.get(path, none=(403, 404))
    if present is None:
        _create_mirror(client, path, given)
        if force_sync:
            client.post(f"{path}/sync-now", {})
        return True
    wanted = given | {"external_registry_config": _merged(present["external_registry_config"], given)}
    changed = _differs(present, wanted)
    if changed:
        client.put(path, wanted)
    if force_sync and present["sync_status"] not in UNDER_WAY:
        client.post(f"{path}/sync-now", {})
        changed = True
    return changed


def _create_mirror(client: Client, path: str, given: dict[str, Any]) -> None:
    defaults = {
        "is_enabled": False,
        "sync_interval": 86400,
        "sync_start_date": "2026-01-01T00:00:00Z",
        "skopeo_timeout_interval": 300,
        "external_registry_config": {"verify_tls": True},
    }
    body = defaults | given
    try:
        client.post(path, body)
    except ModuleFailed:
        # Whatever went wrong, it tries as for versions of Quay before 3.15: people see the second answer alone.
        client.post(path, {name: value for name, value in body.items() if name != "skopeo_timeout_interval"})


def _merged(present: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    config = deepcopy(present)
    for name, value in given.get("external_registry_config", {}).items():
        if isinstance(value, dict):
            config.setdefault(name, {}).update(value)
        else:
            config[name] = value
    return config


def repository(client: Client, full_name: str, *, state: str = "present", **wanted: Any) -> bool:
    """quay_repository: description, visibility, repo_state, star, perms (a list of name, type and role)."""
    namespace, _, name = full_name.partition("/")
    path = f"repository/{full_name}"
    if state == "absent":
        return find_namespace(client, namespace) and client.get(path) is not None and client.delete(path)
    require_namespace(client, namespace)
    present = client.get(path)
    changed = present is None
    if present is None:
        description, visibility = wanted.get("description", ""), wanted.get("visibility", "private")
        body = {"namespace": namespace, "repository": name, "repo_kind": "image"}
        client.post("repository", body | {"description": description, "visibility": visibility})
        present = {"description": description, "is_public": visibility == "public", "state": "NORMAL"}
    changed |= _update_repository(client, path, present, wanted)
    changed |= _star(client, full_name, present, wanted)
    return _permissions(client, path, wanted["perms"]) | changed if "perms" in wanted else changed


def _update_repository(client: Client, path: str, present: dict[str, Any], wanted: dict[str, Any]) -> bool:
    changed = False
    if wanted.get("description", present["description"]) != present["description"]:
        client.put(path, {"description": wanted["description"]})
        changed = True
    if "visibility" in wanted and (wanted["visibility"] == "public") != present["is_public"]:
        client.post(f"{path}/changevisibility", {"visibility": wanted["visibility"]})
        changed = True
    if wanted.get("repo_state", present["state"]) != present["state"]:
        client.put(f"{path}/changestate", {"state": wanted["repo_state"]})
        changed = True
    return changed


def _star(client: Client, full_name: str, present: dict[str, Any], wanted: dict[str, Any]) -> bool:
    if "star" not in wanted or wanted["star"] == present.get("is_starred", False):
        return False
    namespace, _, name = full_name.partition("/")
    if wanted["star"]:
        client.post("user/starred", {"namespace": namespace, "repository": name})
    else:
        client.delete(f"user/starred/{full_name}")
    return True


def _permissions(client: Client, path: str, perms: list[dict[str, str]]) -> bool:
    changed = False
    for kind in ("team", "user"):
        listed = client.get(f"{path}/permissions/{kind}/")["permissions"]
        present = {each["name"]: each["role"] for each in listed.values()}
        wanted = {each["name"]: each["role"] for each in perms if (each["type"] == "team") == (kind == "team")}
        for name in sorted(present.keys() - wanted.keys()):
            changed |= client.delete(f"{path}/permissions/{kind}/{name}")
        for name, role in wanted.items():
            if present.get(name) != role:
                client.put(f"{path}/permissions/{kind}/{name}", {"role": role})
                changed = True
    return changed


def _differs(present: dict[str, Any], wanted: dict[str, Any], *, leave_out: tuple[str, ...] = ()) -> bool:
    """Passwords are never given back, so that a task with one always changes something."""
    return any(
        name not in leave_out and (name not in present or present[name] != value) for name, value in wanted.items()
    )
