"""Addresses of people, organizations and robots."""

from __future__ import annotations

from mirrors.api.accounts import organizations, robots
from mirrors.api.routes import both

ORGANIZATION = "v1/organization/<name:organization>"

ROUTES = [
    *both("v1/organization", organizations.OrganizationsEndpoint),
    *both(ORGANIZATION, organizations.OrganizationEndpoint),
    *both(f"{ORGANIZATION}/robots", robots.RobotsEndpoint),
    *both(f"{ORGANIZATION}/robots/<name:robot>", robots.RobotEndpoint),
    *both("v1/user", organizations.UserEndpoint),
    *both("v1/user/robots", robots.UserRobotsEndpoint),
    *both("v1/user/robots/<name:robot>", robots.UserRobotEndpoint),
]
