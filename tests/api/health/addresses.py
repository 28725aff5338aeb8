"""What the tests ask for."""

from __future__ import annotations

URL = "/api/v1/repository/mirror/health"
SUPERUSER_URL = "/api/v1/superuser/mirror/health"
