"""Data and its allowed changes, one file per noun."""

from mirrors.models.access_token import AccessToken
from mirrors.models.application import Application
from mirrors.models.delivery import Delivery
from mirrors.models.host_pause import HostPause
from mirrors.models.log_entry import LogEntry
from mirrors.models.mirror import Mirror
from mirrors.models.mirrored_tag import MirroredTag
from mirrors.models.namespace import Namespace
from mirrors.models.notification_target import NotificationTarget
from mirrors.models.organization_mirror import DiscoveredRepository, OrganizationMirror
from mirrors.models.preview import Preview
from mirrors.models.registry import Registry
from mirrors.models.repository import Repository, RepositoryPermission
from mirrors.models.robot import Robot
from mirrors.models.sign_in_failures import SignInFailures
from mirrors.models.sync import Sync
from mirrors.models.tag_copy import TagCopy
from mirrors.models.team import Team, TeamMember
from mirrors.models.user import User
from mirrors.models.user_notification import UserNotification
from mirrors.models.worker import Worker

__all__ = [
    "AccessToken",
    "Application",
    "Delivery",
    "DiscoveredRepository",
    "HostPause",
    "LogEntry",
    "Mirror",
    "MirroredTag",
    "Namespace",
    "NotificationTarget",
    "OrganizationMirror",
    "Preview",
    "Registry",
    "Repository",
    "RepositoryPermission",
    "Robot",
    "SignInFailures",
    "Sync",
    "TagCopy",
    "Team",
    "TeamMember",
    "User",
    "UserNotification",
    "Worker",
]
