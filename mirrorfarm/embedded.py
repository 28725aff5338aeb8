"""What the embedded profile keeps in its data directory: generated secrets, and where the broker listens."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

BROKER_FILE = Path("run") / "broker-url"


def generated_secret(data_dir: Path, name: str) -> str:
    """The secret kept under this name, made at the first call; a valid Fernet key, readable by its owner alone."""
    path = data_dir / "keys" / name
    try:
        return path.read_text(encoding="ascii").strip() if path.exists() else _made_secret(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"DATA_DIR is {data_dir}, and {error.filename} cannot be used: {error.strerror}. "
            "Give a directory in which this user may write, on a disk with room."
        ) from None


def _made_secret(path: Path) -> str:
    name = path.name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii"), encoding="ascii")
    try:
        os.link(draft, path)  # unlike a rename, fails when another process was first: both then read the same secret
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii").strip()


def broker_url_of(data_dir: Path) -> str:
    """Where the running `manage.py up` has its broker; empty when none runs, or what is there is no address."""
    try:
        url = (data_dir / BROKER_FILE).read_text(encoding="ascii").strip()
        return url if urlsplit(url).port else ""
    except (OSError, ValueError):  # the keys, which are read next, say what is wrong with the directory
        return ""
