"""`manage.py access_token USER --name N --scopes '...'`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from mirrors.errors import InvalidInput
from mirrors.management.command import MirrorfarmCommand
from mirrors.services.accounts import access_tokens, people
from mirrors.services.mirroring.intervals import parse_interval


class Command(MirrorfarmCommand):
    """Issue a bearer token for the REST API."""

    help = "Issue a token for the REST API. The token alone goes to standard output, once: it is not kept."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose, what for, which rights, how long."""
        parser.add_argument("user", metavar="USER")
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument("--scopes", required=True, help=f"some of: {' '.join(access_tokens.SCOPES)}")
        parser.add_argument("--expires", metavar="TIME", help="valid for so long: 30d, 12h (default: for ever)")

    def handle(self, *_: Any, **options: Any) -> None:
        """Issue it and print it."""
        user = people.find_active_person(options["user"])
        scopes = options["scopes"].replace(",", " ").split()
        expires_at = _end_of(options["expires"]) if options["expires"] else None
        token, text = access_tokens.issue_token(user, name=options["name"], scopes=scopes, expires_at=expires_at)
        self.stderr.write(f"Token {token.name} of {user}, for {', '.join(scopes)}. It is shown this once:", lambda x: x)
        self.stdout.write(text)


def _end_of(text: str) -> datetime:
    """The moment after a time such as 30d."""
    seconds = parse_interval(text)
    if not seconds:
        raise InvalidInput("--expires: the token would have expired already. Give a time such as 30d.")
    try:
        return timezone.now() + timedelta(seconds=seconds)
    except OverflowError as error:
        raise InvalidInput("--expires: no calendar goes that far. Leave it out for a token without an end.") from error
