from __future__ import annotations

from pathlib import Path

import pytest

from mirrors.sample.address import announce, announced, forget


def test_where_the_sample_registry_listens_is_known_while_it_runs(tmp_path: Path) -> None:
    assert announced(tmp_path) is None
    announce(tmp_path, address="127.0.0.1:5001")
    assert announced(tmp_path) == "127.0.0.1:5001"
    forget(tmp_path)
    forget(tmp_path)
    assert announced(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"10.0.0.1:5001", b"127.0.0.1", b"127.0.0.1:5001\nquay.io:443", b"\xff"])
def test_what_is_no_address_of_this_machine_is_not_read(tmp_path: Path, content: bytes) -> None:
    announce(tmp_path, address="127.0.0.1:5001")
    (tmp_path / "run" / "sample-registry").write_bytes(content)
    assert announced(tmp_path) is None
