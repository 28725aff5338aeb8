"""What the command line remembers between two copies: a JSON file with the digests of each tag at both sides."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from mirrors.oci.copying.options import KnownTag
from mirrors.oci.copying.progress import TagOutcome
from mirrors.oci.errors import OCIError


def read_state(path: Path) -> dict[str, KnownTag]:
    """The tags of an earlier copy, none where there is no file yet; raises OCIError for a file of something else."""
    try:
        text = path.read_text(encoding="utf-8")
        return {tag: KnownTag(source, target) for tag, (source, target) in json.loads(text).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise OCIError(f"The state in {path} cannot be read. Give another file, or remove this one.") from error


def write_state(path: Path, outcomes: Iterable[TagOutcome], *, known: Mapping[str, KnownTag]) -> None:
    """Keep what this copy has learned beside what was known; a reader never sees half a file."""
    learned = {
        outcome.tag: [outcome.source_digest, outcome.target_digest]
        for outcome in outcomes
        if outcome.error is None and outcome.source_digest and outcome.target_digest
    }
    kept = {tag: [digests.source_digest, digests.target_digest] for tag, digests in known.items()}
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(kept | learned), encoding="utf-8")
    draft.replace(path)
