"""People at their browsers, and the forms they send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from mirrors.models import Repository, Robot, User
from tests.fixtures.browsing import FormReader

HTMX = {"headers": {"HX-Request": "true"}}


def signed_in(user: User) -> Client:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def client(owner: User) -> Client:
    """The browser of who administers `acme`."""
    return signed_in(owner)


def tab(repository: Repository, name: str = "mirroring") -> str:
    """The address of a tab."""
    return f"{reverse('web:repository', args=(repository.namespace.name, repository.name))}?tab={name}"


def action(name: str, repository: Repository) -> str:
    """The address of a part of the Mirroring tab."""
    return reverse(f"web:mirror-{name}", args=(repository.namespace.name, repository.name))


def shown_form(client: Client, repository: Repository) -> dict[str, str]:
    """What a browser would send if nothing was changed."""
    return FormReader("mirror-form").read(client.get(tab(repository)).text)


@pytest.fixture
def save(client: Client, robot: Robot) -> Callable[..., HttpResponse]:
    """`save(repository, tag_patterns="v1")`: fill in the shown form and send it; a value None leaves the field out."""

    def send(repository: Repository, **changes: Any) -> HttpResponse:
        values = shown_form(client, repository)
        if "initial-source_reference" not in values or not values["initial-source_reference"]:
            values |= {"source_reference": "quay.io/acme/app", "tag_patterns": "latest, v1.*", "robot": str(robot.pk)}
        values |= changes
        return client.post(tab(repository), {name: value for name, value in values.items() if value is not None})

    return send
