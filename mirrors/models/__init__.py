"""Data and its allowed changes, one file per noun."""

from mirrors.models.access_token import AccessToken
from mirrors.models.host_pause import HostPause
from mirrors.models.mirror import Mirror
from mirrors.models.mirrored_tag import MirroredTag
from mirrors.models.namespace import Membership, Namespace
from mirrors.models.registry import Registry
from mirrors.models.repository import Repository, RepositoryPermission
from mirrors.models.robot import Robot
from mirrors.models.sync import Sync
from mirrors.models.tag_copy import TagCopy
from mirrors.models.user import User

__all__ = [
    "AccessToken",
    "HostPause",
    "Membership",
    "Mirror",
    "MirroredTag",
    "Namespace",
    "Registry",
    "Repository",
    "RepositoryPermission",
    "Robot",
    "Sync",
    "TagCopy",
    "User",
]
