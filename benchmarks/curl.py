"""The floor: nothing but the requests that a first copy cannot do without, by curl, checking nothing.

Per repository and blob a GET, a POST and a PUT; per manifest a GET and a PUT; blobs before children before tags. What
is needed is known beforehand. `kept_alive` does each kind of request by one curl with keep-alive and four connections,
through files in memory; `piped` has a pair of processes for each blob, `curl GET | curl PUT`, four pairs at a time.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.job import Command, Job
from benchmarks.seeding import ACCEPT
from mirrors.oci.images.manifest import Manifest

_CURL = "curl --silent --show-error --fail --parallel --parallel-max 4"
# A line of the file `uploads` is the URL that was asked for an upload, a blank, and the address it gave.
_TO_PUTS = """awk '{
    split($1, asked, "[?]blob=")
    print "url = \\"" $2 "&digest=" asked[2] "\\""
    print "upload-file = \\"" directory "/" asked[2] "\\""
}'"""
_TO_PAIRS = """awk '{
    split($1, asked, "[?]blob=")
    path = substr(asked[1], length(target) + 1)
    sub("uploads/$", asked[2], path)
    print source path, $2 "&digest=" asked[2]
}'"""
_PIPE = """\
curl --silent --show-error --fail {trust} "$1" |
curl --silent --show-error --fail {trust} --output /dev/null --request PUT --upload-file - \\
    --header 'Content-Type: application/octet-stream' --header 'Expect:' "$2"
"""


def kept_alive(job: Job) -> list[Command]:
    """Blobs land in a file each, then go up."""
    plan = _Plan(job)
    plan.write("puts.curl", plan.upload_options("application/octet-stream"))
    downloads = [(plan.source("blobs", *blob), plan.file(blob[1])) for blob in plan.blobs]
    lines = [
        plan.fetch("blobs", downloads),
        plan.start_uploads(),
        f"{_TO_PUTS} directory={plan.quoted('')} {plan.quoted('uploads')} >> {plan.quoted('puts.curl')}",
        f"{_CURL} --config {plan.quoted('puts.curl')} > /dev/null",
    ]
    return [["bash", plan.script([*lines, *plan.manifests()])]]


def piped(job: Job) -> list[Command]:
    """Blobs never touch a file."""
    plan = _Plan(job)
    trust = f"--cacert {job.certificate.file}" if job.certificate else ""
    plan.file("pipe.sh").write_text(_PIPE.format(trust=trust), encoding="utf-8")
    ends = f"source={plan.base(job.source)} target={plan.base(job.target)}"
    lines = [
        plan.start_uploads(),
        f"{_TO_PAIRS} {ends} {plan.quoted('uploads')} |",
        f"xargs --max-procs=4 --max-lines=1 sh {plan.quoted('pipe.sh')}",
    ]
    return [["bash", plan.script([*lines, *plan.manifests()])]]


@dataclass
class _Plan:
    """What is needed, and the files that tell curl."""

    job: Job

    def __post_init__(self) -> None:
        self.directory = self.job.scratch / "curl"
        self.directory.mkdir(exist_ok=True)
        seeded = self.job.seeded
        self.blobs = [(repository, digest) for repository, blobs in seeded.blobs.items() for digest in blobs]
        self.children = [
            (repository, digest, child)
            for repository, children in seeded.children.items()
            for digest, child in children.items()
        ]
        self.roots = [
            (repository, tag, manifests[0])
            for repository, tags in seeded.tags.items()
            for tag, manifests in tags.items()
        ]

    def base(self, address: str) -> str:
        """The root of the API there."""
        return f"{self.job.scheme}://{address}/v2"

    def source(self, kind: str, repository: str, reference: str) -> str:
        """The URL of a blob or manifest at the source."""
        return f"{self.base(self.job.source)}/{repository}/{kind}/{reference}"

    def file(self, name: str) -> Path:
        """A file of this run."""
        return self.directory / name

    def quoted(self, name: str) -> str:
        """The file's name for the shell."""
        return shlex.quote(str(self.file(name)))

    def fetch(self, name: str, downloads: list[tuple[str, Path]], *, options: tuple[str, ...] = ()) -> str:
        """The command that gets these URLs into these files."""
        pairs = [line for url, path in downloads for line in (f'url = "{url}"', f'output = "{path}"')]
        self.write(f"{name}.curl", [*options, *pairs])
        return f"{_CURL} --config {self.quoted(f'{name}.curl')}"

    def start_uploads(self) -> str:
        """The command that opens an upload for each blob and leaves their addresses in `uploads`."""
        base = self.base(self.job.target)
        urls = [f'url = "{base}/{repository}/blobs/uploads/?blob={digest}"' for repository, digest in self.blobs]
        self.write("posts.curl", ['data = ""', 'write-out = "%{url} %header{location}\\n"', *urls])
        return f"{_CURL} --config {self.quoted('posts.curl')} > {self.quoted('uploads')}"

    def manifests(self) -> Iterator[str]:
        """The commands that bring the manifests over: all down, then children up, then tags."""
        wanted = {(repository, digest) for repository, digest, _ in self.children}
        wanted |= {(repository, manifest.digest) for repository, _, manifest in self.roots}
        downloads = [(self.source("manifests", *each), self.file("-".join(each).replace("/", "-"))) for each in wanted]
        accept = f"header = {json.dumps(f'Accept: {ACCEPT}')}"
        yield self.fetch("manifests", downloads, options=(accept,))
        yield from self._put_manifests("children", self.children)
        yield from self._put_manifests("tags", self.roots)

    def _put_manifests(self, name: str, manifests: list[tuple[str, str, Manifest]]) -> Iterator[str]:
        for number, media_type in enumerate(sorted({manifest.media_type for _, _, manifest in manifests})):
            lines = self.upload_options(media_type)
            for repository, reference, manifest in manifests:
                if manifest.media_type == media_type:
                    path = self.file(f"{repository}-{manifest.digest}".replace("/", "-"))
                    url = f"{self.base(self.job.target)}/{repository}/manifests/{reference}"
                    lines += [f'url = "{url}"', f'upload-file = "{path}"']
            self.write(f"{name}-{number}.curl", lines)
            yield f"{_CURL} --config {self.quoted(f'{name}-{number}.curl')} > /dev/null"

    def upload_options(self, media_type: str) -> list[str]:
        """Without `Expect` curl does not wait a round trip before each body."""
        return [f'header = "Content-Type: {media_type}"', 'header = "Expect:"']

    def script(self, lines: list[str]) -> str:
        """The path of a script of these commands."""
        path = self.directory / "copy.sh"
        path.write_text("\n".join(["set -eo pipefail", *lines, ""]), encoding="utf-8")
        return str(path)

    def write(self, name: str, lines: list[str]) -> None:
        """A file of options for curl."""
        trust = [f'cacert = "{self.job.certificate.file}"'] if self.job.certificate else []
        self.file(name).write_text("\n".join([*trust, *lines, ""]), encoding="utf-8")
