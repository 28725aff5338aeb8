"""Addresses of people, organizations, teams, robots and applications."""

from __future__ import annotations

from mirrors.api.accounts import (
    applications,
    entities,
    organizations,
    robot_details,
    robots,
    superuser,
    teams,
    users,
)
from mirrors.api.routes import both

ORGANIZATION = "v1/organization/<name:organization>"
TEAM = f"{ORGANIZATION}/team/<name:team>"
ROBOT = f"{ORGANIZATION}/robots/<name:robot>"
OWN_ROBOT = "v1/user/robots/<name:robot>"
APPLICATION = f"{ORGANIZATION}/applications/<name:client_id>"

ROUTES = [
    *both("v1/organization", organizations.OrganizationsEndpoint),
    *both(ORGANIZATION, organizations.OrganizationEndpoint),
    *both(TEAM, teams.TeamEndpoint),
    *both(f"{TEAM}/members", teams.TeamMembersEndpoint),
    *both(f"{TEAM}/members/<name:member>", teams.TeamMemberEndpoint),
    *both(f"{ORGANIZATION}/robots", robots.RobotsEndpoint),
    *both(ROBOT, robots.RobotEndpoint),
    *both(f"{ROBOT}/regenerate", robot_details.RegenerateOrganizationRobot),
    *both(f"{ROBOT}/permissions", robot_details.OrganizationRobotPermissions),
    *both(f"{ROBOT}/federation", robot_details.OrganizationRobotFederation),
    *both(f"{ORGANIZATION}/applications", applications.ApplicationsEndpoint),
    *both(APPLICATION, applications.ApplicationEndpoint),
    *both(f"{APPLICATION}/resetclientsecret", applications.ClientSecretEndpoint),
    *both(f"{APPLICATION}/tokens", applications.ApplicationTokensEndpoint),
    *both(f"{APPLICATION}/tokens/<name:token>", applications.ApplicationTokenEndpoint),
    *both("v1/user", users.UserEndpoint),
    *both("v1/user/robots", robots.UserRobotsEndpoint),
    *both(OWN_ROBOT, robots.UserRobotEndpoint),
    *both(f"{OWN_ROBOT}/regenerate", robot_details.RegenerateUserRobot),
    *both(f"{OWN_ROBOT}/permissions", robot_details.UserRobotPermissions),
    *both(f"{OWN_ROBOT}/federation", robot_details.UserRobotFederation),
    *both("v1/users/<name:person>", users.PersonEndpoint),
    *both("v1/entities/link/<name:external>", entities.EntityLinkEndpoint),
    *both("v1/entities/<name:prefix>", entities.EntitiesEndpoint),
    *both("v1/superuser/users", superuser.SuperuserUsers),
    *both("v1/superuser/users/<name:person>", superuser.SuperuserUser),
    *both("v1/superuser/organizations", superuser.SuperuserOrganizations),
    *both("v1/superuser/organizations/<name:organization>", superuser.SuperuserOrganization),
]
