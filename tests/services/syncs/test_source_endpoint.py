"""What an administrator has set for an address holds for the mirrors that read from it."""

from __future__ import annotations

import pytest

from mirrors.models import Mirror, Registry
from mirrors.services.syncs import connections

pytestmark = pytest.mark.django_db


def test_a_source_is_read_with_the_certificates_and_limits_of_its_registry_and_the_account_of_its_mirror(
    mirror: Mirror,
) -> None:
    Registry.objects.create(
        name="source",
        address="registry.example.com",
        kind="harbor",
        username="administrator",
        password="secret-of-the-administrator",
        ca_certificate="-----BEGIN CERTIFICATE-----",
        max_connections=3,
        bandwidth=1_000_000,
    )
    endpoint = connections.source_of(mirror).endpoint
    assert endpoint is not None
    assert endpoint.ca_certificates == "-----BEGIN CERTIFICATE-----"
    assert (endpoint.max_connections, endpoint.bandwidth, endpoint.profile.name) == (3, 1_000_000, "harbor")
    assert endpoint.credentials is None


@pytest.mark.parametrize("lends", [True, False])
def test_a_client_certificate_is_shown_for_mirrors_only_where_that_is_allowed(mirror: Mirror, lends: bool) -> None:
    Registry.objects.create(
        name="source", address="registry.example.com", client_certificate="PEM", lends_client_certificate=lends
    )
    endpoint = connections.source_of(mirror).endpoint
    assert endpoint is not None
    assert endpoint.client_certificate == ("PEM" if lends else None)


def test_a_raised_limit_for_manifests_is_one_for_what_is_read_too(mirror: Mirror, settings) -> None:
    for limit in (65_536, 10 << 20, 20 << 20):
        settings.REPO_MIRROR_MAX_MANIFEST_LIST_SIZE = limit
        endpoint = connections.source_of(mirror).endpoint
        assert endpoint is not None
        assert endpoint.largest_answer == max(limit, 10 << 20)
