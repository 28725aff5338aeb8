"""Rule 24: clocks that differ, authorities of one's own, and certificates that clients have to show."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirrors.oci import Action, Credentials, Side, TLSFailed, copy_tags
from mirrors.sample.images import small_image
from tests.oci.certificates import ClientAuthority, certificate_for_loopback
from tests.registry import FaultyRegistry, Login, StoredTags

RIGHT = Credentials("user", "password")


async def test_a_token_that_is_not_valid_yet_is_tried_again(
    source_registry: FaultyRegistry, app: StoredTags, target, open_repository
) -> None:
    app.put(small_image(), tag="v1")
    source_registry.switches.login = Login(not_yet=1)
    source = await open_repository(source_registry.address, credentials=RIGHT)
    (outcome,) = await copy_tags(source, target, ["v1"])
    assert outcome.action is Action.COPIED, outcome.reason


async def test_an_authority_of_ones_own_is_trusted_for_its_registry_alone(
    app: StoredTags, source, open_repository, tmp_path: Path
) -> None:
    app.put(small_image(), tag="v1")
    context, certificate = certificate_for_loopback(tmp_path)
    with FaultyRegistry(tls=context) as registry:
        trusting = {"verify_tls": True, "ca_certificates": certificate.read_text()}
        target = await open_repository(registry.address, "mirror/app", side=Side.TARGET, **trusting)
        (outcome,) = await copy_tags(source, target, ["v1"])
        assert outcome.action is Action.COPIED
        stranger = await open_repository(registry.address, "mirror/app", verify_tls=True)
        with pytest.raises(TLSFailed, match="does not verify"):
            await stranger.list_tags()


@pytest.mark.parametrize("shown", [True, False])
async def test_a_registry_that_wants_a_certificate_of_its_clients_is_shown_it(
    app: StoredTags, source, open_repository, tmp_path: Path, shown: bool
) -> None:
    app.put(small_image(), tag="v1")
    context, certificate = certificate_for_loopback(tmp_path)
    authority = ClientAuthority()
    with FaultyRegistry(tls=authority.require(context)) as registry:
        settings = {"verify_tls": True, "ca_certificates": certificate.read_text()}
        if shown:
            settings["client_certificate"] = "".join(authority.certificate())
        target = await open_repository(registry.address, "mirror/app", side=Side.TARGET, **settings)
        (outcome,) = await copy_tags(source, target, ["v1"])
        assert outcome.action is (Action.COPIED if shown else Action.FAILED), outcome.reason
        assert "PRIVATE" not in outcome.reason
