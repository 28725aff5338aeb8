"""Sessions in the database, looked up only under keys that a database can look for."""

from __future__ import annotations

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Django's; a cookie that holds no key of ours is no session, where PostgreSQL would refuse a NUL in it."""

    def _validate_session_key(self, key: str) -> bool:
        return bool(super()._validate_session_key(key)) and key.isascii() and key.isalnum()  # type: ignore[misc]
