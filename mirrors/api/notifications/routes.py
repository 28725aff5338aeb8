"""Addresses of notifications."""

from __future__ import annotations

from mirrors.api.notifications import notices, targets
from mirrors.api.routes import both

NOTIFICATION = "v1/repository/<full_name:repository>/notification"

ROUTES = [
    *both(f"{NOTIFICATION}/", targets.TargetsEndpoint),
    *both(f"{NOTIFICATION}/<name:uuid>", targets.TargetEndpoint),
    *both(f"{NOTIFICATION}/<name:uuid>/test", targets.TestEndpoint),
    *both("v1/user/notifications", notices.NoticesEndpoint),
    *both("v1/user/notifications/<name:uuid>", notices.NoticeEndpoint),
]
