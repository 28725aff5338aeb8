"""The modules for robots, notifications, organizations, applications, tokens, users, teams; those that only read."""

from __future__ import annotations

import re
from typing import Any

from tests.contract.collection.client import Client, ModuleFailed
from tests.contract.collection.modules import find_namespace, require_namespace


def robot(client: Client, full_name: str, *, state: str = "present", **wanted: Any) -> bool:
    """quay_robot: description, federations."""
    namespace, _, short = full_name.partition("+")
    path = f"organization/{namespace}/robots/{short}"
    if state == "absent":
        if not find_namespace(client, namespace) or client.get(path, none=(400, 404)) is None:
            return False
        return client.delete(path)
    require_namespace(client, namespace)
    present = client.get(path, none=(400, 404))
    changed = present is None
    if present is None:
        present = client.put(path, {"description": wanted["description"]} if "description" in wanted else {})
        assert present["name"] == full_name
        assert present["token"]
    if "federations" in wanted and client.get(f"{path}/federation") != wanted["federations"]:
        client.post(f"{path}/federation", wanted["federations"])
        changed = True
    return changed


def notification(
    client: Client, repository: str, *, title: str, state: str = "present", test: bool = False, reset: bool = False,
    **wanted: Any,
) -> bool:  # fmt: skip
    """quay_notification: event, method, config, event_config. Those that are there are never changed."""
    require_namespace(client, repository.partition("/")[0])
    path = f"repository/{repository}/notification/"
    present = [each for each in client.get(path)["notifications"] if each["title"] == title]
    if state == "absent":
        deleted = [client.delete(f"{path}{each['uuid']}") for each in present]
        return any(deleted)
    changed = not present
    if not present:
        if client.get(f"repository/{repository}") is None:
            raise ModuleFailed(f"The {repository} repository does not exist.")
        body = {"title": title, "eventConfig": wanted.get("event_config", {}), "event_config": {}}
        present = [client.post(path, wanted | body)]
    for each in present:
        if reset and each["number_of_failures"] > 0:
            client.post(f"{path}{each['uuid']}", {})
            changed = True
        if test:
            client.post(f"{path}{each['uuid']}/test", {})
            changed = True
    return changed


def organization(client: Client, name: str, *, state: str = "present", **wanted: Any) -> bool:
    """quay_organization: email, tag_expiration_s."""
    path = f"organization/{name}"
    present = client.get(path)
    if state == "absent":
        return present is not None and client.delete(path)
    created = present is None
    if created:
        client.post("organization/", {"name": name} | {key: wanted[key] for key in ("email",) if key in wanted})
    if not wanted or (present and all(present.get(key) == value for key, value in wanted.items())):
        return created
    client.put(path, wanted)
    return True


def application(client: Client, organization: str, name: str, *, state: str = "present", **wanted: Any) -> bool:
    """quay_application: description, application_uri, redirect_uri, avatar_email."""
    if client.get(f"organization/{organization}") is None:
        raise ModuleFailed(f"The {organization} organization does not exist.")
    path = f"organization/{organization}/applications"
    present = next((each for each in client.get(path)["applications"] if each["name"] == name), None)
    if state == "absent":
        return present is not None and client.delete(f"{path}/{present['client_id']}")
    if present is None:
        made = client.post(path, {"name": name} | wanted)
        assert made["client_id"]
        assert made["client_secret"]
        return True
    if all(present[key] == value for key, value in wanted.items()):
        return False
    kept = {key: present[key] for key in ("name", "description", "application_uri", "redirect_uri", "avatar_email")}
    client.put(f"{path}/{present['client_id']}", kept | wanted)
    return True


def api_token(client: Client, client_id: str, *, scopes: list[str]) -> str:
    """quay_api_token, within a session: the token."""
    form = {
        "response_type": "token",
        "client_id": client_id,
        "redirect_uri": f"{client.host}/oauth/localapp",
        "scope": " ".join(scopes),
        "_csrf_token": client.csrf,
    }
    answer = client.post_form("/oauth/authorizeapp", form)
    if answer.status != 302:
        raise ModuleFailed(f"POST /oauth/authorizeapp: HTTP {answer.status}")
    found = re.search(r"access_token=([^&]+)&", answer.headers["Location"])
    assert found, answer.headers["Location"]
    return found[1]


def first_user(client: Client, username: str, *, password: str, email: str) -> dict[str, Any]:
    """quay_first_user: the answer, with its access token."""
    body = {"username": username, "password": password, "email": email, "access_token": True}
    made: dict[str, Any] = client.post("user/initialize", body)
    assert made.keys() >= {"username", "email", "encrypted_password", "access_token"}
    return made


def user(client: Client, username: str, *, state: str = "present", **wanted: Any) -> bool:
    """quay_user: email, password, enabled."""
    path = f"superuser/users/{username}"
    present = client.get(path)
    if state == "absent":
        return present is not None and client.delete(path)
    created = present is None
    if present is None:
        body = {"username": username} | {key: wanted[key] for key in ("email",) if key in wanted}
        client.post("superuser/users/", body)
        present = client.get(path)
    if present["super_user"]:
        raise ModuleFailed(f"{username} is a superuser.")
    changes = {key: value for key, value in wanted.items() if key not in present or present[key] != value}
    if changes:
        client.put(path, changes)
    return created or bool(changes)


def team(client: Client, organization: str, name: str, *, state: str = "present", **wanted: Any) -> bool:
    """quay_team: role, description, members."""
    found = client.get(f"organization/{organization}")
    if found is None:
        raise ModuleFailed(f"The {organization} organization does not exist.")
    path, present = f"organization/{organization}/team/{name}", found["teams"].get(name)
    if state == "absent":
        return present is not None and client.delete(path)
    values = {key: wanted[key] for key in ("role", "description") if key in wanted}
    changed = present is None or any(present[key] != value for key, value in values.items())
    if changed:
        client.put(path, {"name": name, "role": "member"} | values)
    return _members(client, path, wanted["members"]) | changed if "members" in wanted else changed


def _members(client: Client, path: str, wanted: list[str]) -> bool:
    present = {each["name"] for each in client.get(f"{path}/members", includePending=True)["members"]}
    for name in sorted(set(wanted) - present):
        client.put(f"{path}/members/{name}")
    for name in sorted(present - set(wanted)):
        client.delete(f"{path}/members/{name}")
    return present != set(wanted)


def tag_names(client: Client, repository: str) -> list[str]:
    """quay_tag_info: all pages."""
    client.get(f"organization/{repository.partition('/')[0]}")
    names: list[str] = []
    page = 1
    while True:
        body = client.get(f"repository/{repository}/tag/", onlyActiveTags=False, limit=100, page=page)
        names += [tag["name"] for tag in body["tags"]]
        if not body["has_additional"]:
            return names
        page += 1


def capabilities(client: Client) -> dict[str, Any]:
    """quay_capabilities_info."""
    found: dict[str, Any] = client.get("registry/capabilities")
    return found
