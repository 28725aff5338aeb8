"""One step of one tool: where from, where to, what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.certificates import Certificate
from benchmarks.presets import Step
from benchmarks.seeding import Seeded

Command = list[str]


@dataclass(frozen=True)
class Job:
    """source, target: `host:port`. scratch: a directory for the tool's files. certificate: None for plain HTTP."""

    source: str
    target: str
    seeded: Seeded
    scratch: Path
    certificate: Certificate | None
    step: Step

    @property
    def repositories(self) -> list[str]:
        """The names, the same at both sides."""
        return list(self.seeded.tags)

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return "https" if self.certificate else "http"

    @property
    def environment(self) -> dict[str, str]:
        """What every tool gets: our certificate to trust, nobody's credentials, no proxy before 127.0.0.1."""
        nobody = self.scratch / "config.json"
        nobody.write_text('{"auths": {}}', encoding="ascii")
        variables = {"DOCKER_CONFIG": str(self.scratch), "REGISTRY_AUTH_FILE": str(nobody)}
        variables |= {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        return variables | ({"SSL_CERT_FILE": str(self.certificate.file)} if self.certificate else {})
