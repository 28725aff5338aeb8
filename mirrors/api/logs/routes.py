"""Addresses of usage logs."""

from __future__ import annotations

from mirrors.api.logs import exports, lists
from mirrors.api.routes import both

REPOSITORY = "v1/repository/<full_name:repository>"
ORGANIZATION = "v1/organization/<name:orgname>"

ROUTES = [
    *both(f"{REPOSITORY}/logs", lists.RepositoryLogs),
    *both(f"{REPOSITORY}/aggregatelogs", lists.RepositoryCounts),
    *both(f"{REPOSITORY}/exportlogs", exports.RepositoryExports),
    *both(f"{REPOSITORY}/exportlogs/<name:export_id>", exports.RepositoryExport),
    *both(f"{ORGANIZATION}/logs", lists.OrganizationLogs),
    *both(f"{ORGANIZATION}/aggregatelogs", lists.OrganizationCounts),
    *both(f"{ORGANIZATION}/exportlogs", exports.OrganizationExports),
    *both(f"{ORGANIZATION}/exportlogs/<name:export_id>", exports.OrganizationExport),
    *both("v1/user/logs", lists.UserLogs),
    *both("v1/user/aggregatelogs", lists.UserCounts),
    *both("v1/user/exportlogs", exports.UserExports),
    *both("v1/user/exportlogs/<name:export_id>", exports.UserExport),
    *both("v1/superuser/logs", lists.AllLogs),
    *both("v1/superuser/aggregatelogs", lists.AllCounts),
    *both("v1/superuser/exportlogs", exports.AllExports),
    *both("v1/superuser/exportlogs/<name:export_id>", exports.AllExport),
]
