"""GET /v1/registry/capabilities."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from tests.api.conftest import APIClient

pytestmark = pytest.mark.django_db
URL = "/api/v1/registry/capabilities"


def test_anyone_may_ask_what_the_registry_can_do(anonymous_api: APIClient) -> None:
    response = anonymous_api.get(URL)

    assert response.status_code == 200
    assert response.json() == {
        "sparse_manifests": {
            "supported": True,
            "required_architectures": [],
            "optional_architectures_allowed": True,
        },
        "mirror_architectures": ["amd64", "arm64", "ppc64le", "s390x"],
    }


def test_incomplete_indexes_are_supported_as_far_as_they_are_switched_on(
    anonymous_api: APIClient, settings: Settings
) -> None:
    settings.FEATURE_SPARSE_INDEX = False

    assert anonymous_api.get(URL).json()["sparse_manifests"]["supported"] is False
