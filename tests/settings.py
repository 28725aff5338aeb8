"""The settings of the test process: the real ones, over a scratch directory instead of the developer's `data/`.

TEST_DATABASE_URL runs the same tests on another database: postgres://user:password@host:port/name.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import environ

SCRATCH = Path(tempfile.mkdtemp(prefix="mirrorfarm-tests-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)

# What a developer's shell has set must not change what the tests see.
for _name in ("DATABASE_URL", "STORE_DIR", "PUBLIC_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "DEBUG", "ALLOWED_HOSTS"):
    os.environ.pop(_name, None)
os.environ["DATA_DIR"] = str(SCRATCH)
# Nothing listens there: a test that rings the bell by mistake fails at once instead of reaching somebody's broker.
os.environ["BROKER_URL"] = "redis://127.0.0.1:9/0"

# The registries of the tests.
os.environ["SSRF_ALLOWED_HOSTS"] = "127.0.0.0/8"
os.environ.pop("EGRESS_POLICY", None)

# The package makes the Celery application from Django's settings when it is imported; these here are not ready yet.
os.environ["DJANGO_SETTINGS_MODULE"] = "mirrorfarm.settings"
import mirrorfarm  # noqa: E402, F401

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

from mirrorfarm.settings import *  # noqa: E402, F403
from mirrorfarm.settings import DATABASES, env  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast; the passwords are not worth more

if _url := env.url("TEST_DATABASE_URL", schemes=("postgres", "postgresql")):
    DATABASES["default"] = environ.Env.db_url_config(_url)
else:
    # A file, not memory, so that threads and live servers share it as processes do.
    DATABASES["default"]["TEST"] = {"NAME": SCRATCH / "test.sqlite3"}

# Files are looked for when they are asked for: to list them all takes each new test client 50 ms.
WHITENOISE_AUTOREFRESH = True
