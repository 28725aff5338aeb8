"""architecture_filter on a farm that keeps no parts of indexes (FEATURE_SPARSE_INDEX off), and on one that does."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from mirrors.models import Mirror, Repository, Robot
from tests.api.conftest import BODY, MIRROR, APIClient


@pytest.fixture
def whole_indexes(settings: Settings) -> None:
    """FEATURE_SPARSE_INDEX off."""
    settings.FEATURE_SPARSE_INDEX = False


def test_a_filter_cannot_be_created_while_the_feature_is_off(
    api: APIClient, repository: Repository, robot: Robot, whole_indexes: None
) -> None:
    response = api.post(MIRROR, BODY)
    assert response.status_code == 400
    assert "FEATURE_SPARSE_INDEX" in response.json()["detail"]
    assert not Mirror.objects.exists()


def test_a_filter_cannot_be_set_while_the_feature_is_off(api: APIClient, mirror: Mirror, whole_indexes: None) -> None:
    response = api.put(MIRROR, {"architecture_filter": ["amd64"]})
    assert response.status_code == 400
    assert "FEATURE_SPARSE_INDEX" in response.json()["detail"]
    assert api.get(MIRROR).json()["architecture_filter"] == []


@pytest.mark.parametrize("value", [None, []])
def test_no_filter_is_fine_while_the_feature_is_off(
    api: APIClient, repository: Repository, robot: Robot, whole_indexes: None, value: Any
) -> None:
    assert api.post(MIRROR, BODY | {"architecture_filter": value}).status_code == 201
    assert api.put(MIRROR, {"architecture_filter": value}).status_code == 201
    assert api.get(MIRROR).json()["architecture_filter"] == []


def test_a_filter_is_fine_where_indexes_are_rewritten(
    api: APIClient, repository: Repository, robot: Robot, whole_indexes: None
) -> None:
    assert api.post(MIRROR, BODY | {"index_mode": "rewritten"}).status_code == 201
    assert api.put(MIRROR, {"index_mode": "sparse"}).status_code == 400


def test_a_mirror_that_has_a_filter_already_can_be_changed_otherwise(mirrored: APIClient, settings: Settings) -> None:
    settings.FEATURE_SPARSE_INDEX = False
    assert mirrored.put(MIRROR, {"sync_interval": 77}).status_code == 201


def test_a_filter_can_be_created_while_the_feature_is_on(mirrored: APIClient) -> None:
    assert mirrored.get(MIRROR).json()["architecture_filter"] == ["amd64", "arm64"]
