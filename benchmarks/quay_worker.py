"""Copies as Quay's repository mirror worker does: `python -I -S quay_worker.py JOB.json`.

One `skopeo list-tags` a repository, then one `skopeo copy --all --remove-signatures` a tag, strictly one after another,
with a file of credentials for each side and the output in temporary files. What the worker writes to its database and
its audit log besides is not here, so the real one is slower.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import Any


def skopeo(*arguments: str) -> str:
    """One process; its output. Ends this one where it fails."""
    with tempfile.SpooledTemporaryFile() as output, tempfile.SpooledTemporaryFile() as errors:
        code = subprocess.run(["skopeo", *arguments], stdout=output, stderr=errors, check=False).returncode
        output.seek(0)
        errors.seek(0)
        if code:
            sys.exit(errors.read().decode(errors="replace") or f"skopeo ended with {code}")
        return output.read().decode()


def copy_repository(job: dict[str, Any], repository: str) -> None:
    """Every tag, whether it has changed or not: the worker does not compare."""
    source, target = f"docker://{job['source']}/{repository}", f"docker://{job['target']}/{repository}"
    verify, files = job["verify_tls"], (job["source_credentials"], job["target_credentials"])
    listing = skopeo("list-tags", f"--tls-verify={verify}", "--authfile", files[0], source)
    for tag in sorted(json.loads(listing)["Tags"]):
        skopeo(
            "--insecure-policy",
            "copy",
            "--all",
            "--remove-signatures",
            f"--src-tls-verify={verify}",
            f"--dest-tls-verify={verify}",
            "--src-authfile",
            files[0],
            "--dest-authfile",
            files[1],
            f"{source}:{tag}",
            f"{target}:{tag}",
        )


def main(path: str) -> None:
    """Every repository of the job."""
    with open(path, encoding="utf-8") as file:
        job = json.load(file)
    for repository in job["repositories"]:
        copy_repository(job, repository)


if __name__ == "__main__":
    main(sys.argv[1])
