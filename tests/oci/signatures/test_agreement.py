"""The same scopes give the same verdict here and in skopeo, whose policy file this is.

Only scopes: Debian's skopeo is built without sigstore.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mirrors.oci import RemoteRepository
from mirrors.oci.errors import SignatureRefused
from mirrors.oci.signatures import SignaturePolicy, check_signatures
from mirrors.sample.images import small_image
from tests.registry import FaultyRegistry

ANY, NONE = [{"type": "insecureAcceptAnything"}], [{"type": "reject"}]
APP = "{host}/library/app"


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
@pytest.mark.parametrize(
    ("default", "scopes", "accepted"),
    [
        (ANY, {}, True),
        (NONE, {}, False),
        (ANY + NONE, {}, False),
        (NONE, {"": ANY}, True),
        (NONE, {"": ANY, "*.example.com": NONE}, True),
        (ANY, {"": ANY, "*.1": NONE}, False),
        (ANY, {"*.1": ANY, "*.0.0.1": NONE}, False),
        (ANY, {"*.0.0.1": NONE, "{host}": ANY}, True),
        (ANY, {"127.0.0.1": NONE}, True),
        (ANY, {"{host}": ANY, "{host}/library": NONE}, False),
        (ANY, {"{host}/lib": NONE, f"{APP}s": NONE}, True),
        (NONE, {"{host}/library": NONE, APP: ANY}, True),
        (ANY, {APP: ANY, f"{APP}:v1": NONE}, False),
        (ANY, {APP: ANY, f"{APP}:v2": NONE}, True),
    ],
)
async def test_skopeo_says_the_same(
    default: list[Any],
    scopes: dict[str, list[Any]],
    accepted: bool,
    source: RemoteRepository,
    source_registry: FaultyRegistry,
    tmp_path: Path,
) -> None:
    image, host = small_image(), source_registry.address
    source_registry.repository("library/app").put(image, tag="v1")
    text = json.dumps({"default": default, "transports": {"docker": scopes}}).replace("{host}", host)
    name = f"{host}/library/app:v1"
    assert await _accepts(source, image.manifest.digest, name=name, text=text) is accepted
    assert await _skopeo_accepts(name, text, directory=tmp_path) is accepted


async def _accepts(source: RemoteRepository, digest: str, *, name: str, text: str) -> bool:
    try:
        await check_signatures(source, digest, reference=name, policy=SignaturePolicy.parse(text))
    except SignatureRefused:
        return False
    return True


async def _skopeo_accepts(name: str, text: str, *, directory: Path) -> bool:
    policy = directory / "policy.json"
    policy.write_text(text)
    copy = ("copy", "--src-tls-verify=false", f"docker://{name}", f"dir:{directory}/image")
    process = await asyncio.create_subprocess_exec(
        "skopeo", "--policy", policy, *copy, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    if process.returncode and b"rejected by policy" not in said:
        pytest.fail(said.decode())
    return process.returncode == 0
