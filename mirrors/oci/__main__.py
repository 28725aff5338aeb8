"""The engine on the command line: `python -m mirrors.oci sync|inspect|tags`.

Credentials come from a file or from MIRRORFARM_SOURCE_USERNAME and MIRRORFARM_SOURCE_PASSWORD (TARGET likewise), never
from an argument, which every user of the machine could read. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are followed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from mirrors.oci.content import ContentRepository
from mirrors.oci.copying.copy import copy_tags
from mirrors.oci.copying.options import CopyOptions, IndexMode
from mirrors.oci.copying.progress import Action, Progress, TagOutcome
from mirrors.oci.display import human_size, live_display, outcome_line, summary_line
from mirrors.oci.endpoint import Credentials, Endpoint
from mirrors.oci.errors import InvalidPlatform, InvalidReference, OCIError, Side
from mirrors.oci.images.manifest import Manifest
from mirrors.oci.images.platforms import parse_platforms
from mirrors.oci.images.reference import Reference
from mirrors.oci.remote.client import RegistryClient
from mirrors.oci.remote.repository import RemoteRepository
from mirrors.oci.runtime import run
from mirrors.oci.state import read_state, write_state

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
STORE = "store:"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code: 0 done, 1 something failed, 2 the input makes no sense."""
    options = _parser().parse_args(arguments)
    try:
        code: int = run(options.command(options))
    except (InvalidPlatform, InvalidReference, _BadInput) as error:
        return _complain(error, code=BAD_INPUT)
    except OCIError as error:
        return _complain(error, code=FAILED)
    except BrokenPipeError:
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


async def sync(options: argparse.Namespace) -> int:
    """Copy the matching tags; prints a line per tag."""
    patterns = [pattern for pattern in (part.strip() for part in options.tags.split(",")) if pattern]
    if not patterns:
        raise _BadInput("--tags has no pattern. Give names or globs with commas between them, like 'v1.*,latest'.")
    platforms = parse_platforms(name for name in options.platforms.split(",") if name.strip())
    known = read_state(options.state) if options.state else {}
    started, progress = time.monotonic(), Progress()
    async with (
        _opened(options.source, options=options, side=Side.SOURCE) as source,
        _opened(options.target, options=options, side=Side.TARGET) as target,
    ):
        listed = await source.list_tags()
        tags = [tag for tag in listed if any(fnmatchcase(tag, pattern) for pattern in patterns)]
        if not tags:
            raise _BadInput(f"No tag of {options.source} matches {options.tags}. List them with `tags`.")
        async with live_display(progress):
            outcomes = await copy_tags(
                source,
                target,
                tags,
                options=CopyOptions(
                    platforms=platforms,
                    index_mode=IndexMode(options.index_mode),
                    deep=frozenset(tags) if options.deep else (),
                    foreign_layers=options.foreign_layers,
                    known=known,
                    referrers=options.referrers,
                    source_tags=listed,
                ),
                progress=progress,
                on_outcome=_tell,
            )
    if options.state:
        write_state(options.state, outcomes, known=known)
    print(summary_line(outcomes, seconds=time.monotonic() - started))
    return FAILED if any(outcome.action is Action.FAILED for outcome in outcomes) else OK


async def inspect(options: argparse.Namespace) -> int:
    """Print what a reference points at, or with --raw the manifest's exact bytes."""
    repository, tag = _split_reference(options.reference)
    async with _opened(repository, options=options, side=Side.SOURCE) as source:
        manifest = await source.fetch_manifest(tag)
    if options.raw:
        sys.stdout.buffer.write(manifest.content)
    else:
        print(json.dumps(_description(manifest), indent=2))
    return OK


async def tags(options: argparse.Namespace) -> int:
    """Print every tag of a repository."""
    async with _opened(options.repository, options=options, side=Side.SOURCE) as source:
        for tag in await source.list_tags():
            print(tag)
    return OK


class _BadInput(Exception):
    """The arguments are readable but make no sense."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mirrors.oci", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    where = f"registry[:port]/repository, or {STORE}DIRECTORY//repository for a store on this disk"

    syncing = commands.add_parser("sync", help="copy tags that have changed")
    syncing.add_argument("source", metavar="SOURCE", help=where)
    syncing.add_argument("target", metavar="TARGET", help=where)
    syncing.add_argument("--tags", default="*", metavar="GLOBS", help="globs with commas between them (default: all)")
    syncing.add_argument(
        "--platforms", default="", metavar="NAMES", help="like linux/amd64,linux/arm/v7 or arm64 (default: all)"
    )
    syncing.add_argument(
        "--index-mode",
        choices=list(IndexMode),
        default=IndexMode.SPARSE,
        help="of an index with other platforms too: keep its bytes, or rewrite it (default: sparse)",
    )
    syncing.add_argument(
        "--deep",
        action="store_true",
        help="look into tags that are equal already, as after a sync of other platforms or without referrers",
    )
    syncing.add_argument("--foreign-layers", action="store_true", help="copy the base layers of Windows images too")
    syncing.add_argument(
        "--state", type=Path, metavar="FILE", help="digests of the last copy; spares the target a question for each tag"
    )
    syncing.add_argument(
        "--no-referrers",
        dest="referrers",
        action="store_false",
        help="leave signatures, attestations and whatever else refers to the images behind",
    )
    _add_access(syncing, sides=("source", "target"))
    syncing.set_defaults(command=sync)

    inspecting = commands.add_parser("inspect", help="show a manifest")
    inspecting.add_argument("reference", metavar="REFERENCE", help="registry[:port]/repository[:tag][@digest]")
    inspecting.add_argument("--raw", action="store_true", help="print the manifest's exact bytes")
    _add_access(inspecting, sides=("source",))
    inspecting.set_defaults(command=inspect)

    listing = commands.add_parser("tags", help="list a repository's tags")
    listing.add_argument("repository", metavar="REPOSITORY", help=where)
    _add_access(listing, sides=("source",))
    listing.set_defaults(command=tags)
    return parser


def _add_access(parser: argparse.ArgumentParser, *, sides: Sequence[str]) -> None:
    for side in sides:
        names = [f"--insecure-{side}"] if len(sides) > 1 else ["--insecure", f"--insecure-{side}"]
        parser.add_argument(
            *names,
            dest=f"insecure_{side}",
            action="store_true",
            help="take any certificate, and plain HTTP where there is no TLS",
        )
        parser.add_argument(
            f"--{side}-credentials-file", metavar="FILE", help="a file whose first line is username:password"
        )


@asynccontextmanager
async def _opened(location: str, *, options: argparse.Namespace, side: Side) -> AsyncIterator[ContentRepository]:
    if location.startswith(STORE):
        from mirrors.oci.store.repository import Store, StoredRepository

        root, separator, name = location.removeprefix(STORE).rpartition("//")
        if not separator or not root or not name:
            raise _BadInput(f"{location!r} is no store. Write {STORE}DIRECTORY//namespace/name.")
        yield StoredRepository(Store(Path(root)), name, side=side)
        return
    reference = Reference.parse_location(location)
    endpoint = Endpoint(
        reference.registry,
        credentials=_credentials(options, side=side),
        verify_tls=not getattr(options, f"insecure_{side}"),
        http_proxy=_environment("HTTP_PROXY"),
        https_proxy=_environment("HTTPS_PROXY"),
        no_proxy=_environment("NO_PROXY"),
    )
    async with RegistryClient(endpoint, side=side) as client:
        yield RemoteRepository(client, reference.repository)


def _credentials(options: argparse.Namespace, *, side: Side) -> Credentials | None:
    path = getattr(options, f"{side}_credentials_file")
    if path is None:
        name = f"MIRRORFARM_{side.upper()}"
        username, password = os.environ.get(f"{name}_USERNAME"), os.environ.get(f"{name}_PASSWORD", "")
        return Credentials(username, password) if username else None
    try:
        line = Path(path).read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise _BadInput(f"--{side}-credentials-file {path} cannot be read. Check the path and its rights.") from error
    username, colon, password = line.strip().partition(":")
    if not username or not colon:
        raise _BadInput(f"--{side}-credentials-file {path} has no username:password in its first line.")
    return Credentials(username, password)


def _environment(name: str) -> str | None:
    return os.environ.get(name.lower()) or os.environ.get(name)


def _split_reference(text: str) -> tuple[str, str]:
    """The repository and what to ask it for."""
    if text.startswith(STORE):
        head, _, last = text.rpartition("/")
        name, _, tag = last.partition("@" if "@" in last else ":")
        return f"{head}/{name}", tag or "latest"
    reference = Reference.parse(text)
    return f"{reference.registry}/{reference.repository}", reference.digest or reference.tag or "latest"


def _description(manifest: Manifest) -> dict[str, object]:
    description: dict[str, object] = {
        "digest": manifest.digest,
        "mediaType": manifest.media_type,
        "size": len(manifest.content),
    }
    if manifest.is_index:
        description["manifests"] = [
            {"platform": str(child.platform or "unknown"), "digest": child.digest} for child in manifest.children()
        ]
    else:
        blobs = list(manifest.blobs())
        description["blobs"] = [{"digest": blob.digest, "size": blob.size} for blob in blobs]
        description["total"] = human_size(sum(blob.size for blob in blobs))
    return description


def _tell(outcome: TagOutcome) -> None:
    print(outcome_line(outcome, brief=sys.stdout.isatty()), flush=True)


def _complain(error: Exception, *, code: int) -> int:
    print(f"error: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
