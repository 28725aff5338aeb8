"""Addresses of the fleet."""

from __future__ import annotations

from mirrors.api.fleet import fleet
from mirrors.api.routes import both

ROUTES = [
    *both("v1/mirrors", fleet.MirrorsEndpoint),
    *both("v1/mirrors/sums", fleet.SumsEndpoint),
    *both("v1/mirrors/sync-now", fleet.SyncNowEndpoint),
    *both("v1/mirrors/cancel", fleet.CancelEndpoint),
    *both("v1/mirrors/enable", fleet.EnableEndpoint),
    *both("v1/mirrors/disable", fleet.DisableEndpoint),
]
