"""`manage.py export [ORGANIZATION | NAMESPACE/NAME]`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from mirrors.management.command import MirrorfarmCommand, acting_user
from mirrors.services import access, declarations
from mirrors.services.accounts import namespaces


class Command(MirrorfarmCommand):
    """Declare what is there."""

    help = "Print organizations, robots, repositories and mirrors as YAML that `manage.py apply` takes. No secrets."

    def add_arguments(self, parser: CommandParser) -> None:
        """Of what."""
        parser.add_argument("what", nargs="?", help="an organization or user, or namespace/name (default: everything)")
        parser.add_argument("--by", metavar="USER", help="whose (default: all, as the first administrator)")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print it."""
        user, what = acting_user(options["by"]), options["what"] or ""
        rights = declarations.Rights(user)
        if "/" in what:
            repository = access.find_repository(what, account=user, administer=True)
            documents = declarations.export(rights, repository=repository)
        elif what:
            namespace = namespaces.find_namespace(what, administered_by=user)
            documents = declarations.export(rights, namespace=namespace)
        else:
            documents = declarations.export(rights)
        self.stdout.write(declarations.write_yaml(documents), ending="")
