"""Foreign layers, where they are asked for and the source has only their addresses."""

from __future__ import annotations

import pytest

from mirrors.oci import Action, CopyOptions, Credentials, RemoteRepository, Side, Unsupported, copy_tags
from tests.oci.quirks.data_sets import (
    CONFIG_TYPE,
    FOREIGN_TYPE,
    LAYER_TYPE,
    DataSet,
    blobs_of,
    digest_of,
    entry,
    image_manifest,
)
from tests.registry import FaultyRegistry, Login

CONFIG = b'{"architecture":"amd64","os":"windows"}'
WINDOWS = b"a base layer of Windows"
EVERYTHING = CopyOptions(foreign_layers=True)


def windows_image(*urls: str) -> DataSet:
    """An image over a foreign layer at these addresses, which its registry does not have."""
    layers = [entry(FOREIGN_TYPE, WINDOWS, urls=list(urls)), entry(LAYER_TYPE, b"own")]
    return DataSet(image_manifest(entry(CONFIG_TYPE, CONFIG), layers), blobs=blobs_of(CONFIG, b"own"))


@pytest.fixture
def vendor(source_registry: FaultyRegistry):
    """Another host that has the layer for everybody."""
    with FaultyRegistry() as registry:
        registry.repository("windows/base").blobs |= blobs_of(WINDOWS)
        yield registry


def address(registry: FaultyRegistry, content: bytes = WINDOWS) -> str:
    """Where the host has it."""
    return f"{registry.url}/v2/windows/base/blobs/{digest_of(content)}"


async def test_a_foreign_layer_comes_from_the_first_address_that_has_it_and_sees_no_credentials(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    vendor: FaultyRegistry,
    open_repository,
    target: RemoteRepository,
) -> None:
    source_registry.switches.login = Login()
    data = windows_image("ftp://example.com/x", "not an address", address(vendor, b"gone"), address(vendor))
    data.put(source_registry.repository("library/app"), tag="v1")
    source = await open_repository(source_registry.address, credentials=Credentials("user", "password"))
    (outcome,) = await copy_tags(source, target, ["v1"], options=EVERYTHING)
    assert outcome.action is Action.COPIED, outcome.reason
    assert target_registry.repository("mirror/app").blobs == data.blobs | blobs_of(WINDOWS)
    assert vendor.count("GET") == 2
    assert not any("Authorization" in request.headers for request in vendor.requests)


@pytest.mark.parametrize("scheme", ["bearer", "basic"])
async def test_an_address_that_leads_back_to_the_registry_never_sees_its_credentials(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    vendor: FaultyRegistry,
    open_repository,
    target: RemoteRepository,
    scheme: str,
) -> None:
    source_registry.switches.login = Login(scheme=scheme)
    windows_image(address(vendor)).put(source_registry.repository("library/app"), tag="v1")
    secret = f"{source_registry.url}/v2/library/app/blobs/{digest_of(b'secret')}"
    vendor.fail("GET", "/blobs/", status=307, headers={"Location": secret}, times=9)
    source = await open_repository(source_registry.address, credentials=Credentials("user", "password"))
    (outcome,) = await copy_tags(source, target, ["v1"], options=EVERYTHING)
    assert isinstance(outcome.error, Unsupported)
    assert vendor.count("GET") == 1
    assert not any("Authorization" in request.headers for request in vendor.requests)
    assert target_registry.repository("mirror/app").tags == {}


async def test_only_the_first_addresses_of_many_are_asked(
    source_registry: FaultyRegistry, vendor: FaultyRegistry, source: RemoteRepository, target: RemoteRepository
) -> None:
    many = [address(vendor, f"gone {number}".encode()) for number in range(30)]
    windows_image(*many, address(vendor)).put(source_registry.repository("library/app"), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=EVERYTHING)
    assert isinstance(outcome.error, Unsupported)
    assert vendor.count("GET") == 8


async def test_what_an_address_sends_instead_is_never_stored(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    vendor: FaultyRegistry,
    source: RemoteRepository,
    target: RemoteRepository,
) -> None:
    vendor.switches.blobs = "corrupt"
    windows_image(address(vendor)).put(source_registry.repository("library/app"), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=EVERYTHING)
    assert (outcome.action, outcome.error and outcome.error.side) == (Action.FAILED, Side.SOURCE)
    held = target_registry.repository("mirror/app")
    assert held.tags == {}
    assert digest_of(WINDOWS) not in held.blobs


@pytest.mark.parametrize("own", [False, True])
async def test_a_layer_that_is_nowhere_fails_the_tag_in_a_sentence(
    source_registry: FaultyRegistry,
    target_registry: FaultyRegistry,
    vendor: FaultyRegistry,
    source: RemoteRepository,
    target: RemoteRepository,
    own: bool,
) -> None:
    urls = [f"{source_registry.url}/v2/secret/blobs/{digest_of(WINDOWS)}"] if own else [address(vendor, b"gone")]
    windows_image(*urls).put(source_registry.repository("library/app"), tag="v1")
    (outcome,) = await copy_tags(source, target, ["v1"], options=EVERYTHING)
    assert isinstance(outcome.error, Unsupported)
    assert outcome.error.side is Side.SOURCE
    assert "its own addresses" in outcome.reason
    assert source_registry.count(path="/v2/secret/") == 0
    assert target_registry.repository("mirror/app").tags == {}
