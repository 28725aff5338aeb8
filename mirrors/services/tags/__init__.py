"""The tags of a repository at its target registry: listing them with their past, moving, deleting, restoring them.

listing     the tags that are there and those that were, page by page
history     what the database knows of each tag: since when it is what it is, and what it was before
contents    what is behind a tag: an image or an index, how large, how complete
changes     moving and deleting tags by hand
"""

from mirrors.services.tags.changes import delete_tag, move_tag, restore_tag
from mirrors.services.tags.contents import Content
from mirrors.services.tags.history import TagVersion
from mirrors.services.tags.listing import TagFilter, TagPage, is_remote, known_tags, list_tags

__all__ = [
    "Content",
    "TagFilter",
    "TagPage",
    "TagVersion",
    "delete_tag",
    "is_remote",
    "known_tags",
    "list_tags",
    "move_tag",
    "restore_tag",
]
