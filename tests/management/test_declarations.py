"""`manage.py apply` and `manage.py export`."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from mirrors.models import LogEntry, Mirror, Namespace, User
from tests.fixtures.processes import ROOT
from tests.management.conftest import Ran

MIRROR = """\
---
apiVersion: quay.herve4m.github.io/v1alpha1
kind: RepositoryMirror
metadata: {name: app}
spec:
  name: production/app
  externalReference: registry.example.com/team/app
  externalRegistryUsername: reader
  externalRegistryPasswordFrom: {env: SOURCE_PASSWORD}
  imageTags: [latest]
  robotUsername: production+sync
"""
REST = """\
---
apiVersion: quay.herve4m.github.io/v1alpha1
kind: Organization
spec: {name: production}
---
apiVersion: quay.herve4m.github.io/v1alpha1
kind: Robot
spec: {name: production+sync}
---
apiVersion: quay.herve4m.github.io/v1alpha1
kind: Repository
spec: {name: production/app}
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, administrator: User) -> Path:
    """A directory of declarations; the password is in the environment."""
    monkeypatch.setenv("SOURCE_PASSWORD", "secret-of-the-source")
    (tmp_path / "mirrors").mkdir()
    (tmp_path / "mirrors" / "app.yaml").write_text(MIRROR)
    (tmp_path / "rest.yml").write_text(REST)
    return tmp_path


def test_a_directory_is_applied_and_the_second_time_nothing_is_done(run: Callable[..., Ran], files: Path) -> None:
    first = run("apply", "-f", str(files))
    assert first.status == 0, first.said + first.refused
    assert first.said.splitlines()[-1] == "4 created."
    assert "secret-of-the-source" not in first.said
    assert Mirror.objects.get().source_password == "secret-of-the-source"
    assert set(LogEntry.objects.values_list("performer_name", flat=True)) == {"admin"}

    second = run("apply", "-f", str(files))
    assert second.said.splitlines()[-1] == "4 unchanged."


def test_a_dry_run_prints_the_difference_and_writes_nothing(run: Callable[..., Ran], files: Path) -> None:
    assert "would be created" in run("apply", "-f", str(files), "--dry-run").said
    assert not Namespace.objects.filter(name="production").exists()
    run("apply", "-f", str(files))
    (files / "mirrors" / "app.yaml").write_text(MIRROR.replace("[latest]", "[latest, v1]") + "  syncInterval: 8h\n")

    foreseen = run("apply", "-f", str(files), "--dry-run")

    assert "RepositoryMirror production/app: would be changed" in foreseen.said
    assert "spec.imageTags: ['latest'] -> ['latest', 'v1']" in foreseen.said
    assert "spec.syncInterval: 1d -> 8h" in foreseen.said
    assert foreseen.said.splitlines()[-1] == "1 would be changed, 3 unchanged. Nothing was written."
    assert Mirror.objects.get().tag_patterns == ["latest"]


def test_a_document_that_fails_is_named_and_the_command_fails(run: Callable[..., Ran], files: Path) -> None:
    (files / "mirrors" / "app.yaml").write_text(MIRROR.replace("production+sync", "production+nobody"))
    done = run("apply", "-f", str(files))
    assert done.status == 1
    assert "RepositoryMirror production/app: failed\n  spec.robotUsername: names a robot" in done.said
    assert done.said.splitlines()[-1] == "3 created, 1 failed."


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: [", "app.yaml: This is not the YAML of declarations. line "),
        ("kind: Nothing", "Document 1: kind must be one of"),
        (MIRROR.replace("SOURCE_PASSWORD", "NOT_SET"), "needs the environment variable NOT_SET, which is not set."),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_file_or_document(
    run: Callable[..., Ran], files: Path, content: str, expected: str
) -> None:
    (files / "mirrors" / "app.yaml").write_text(content)
    done = run("apply", "-f", str(files / "mirrors" / "app.yaml"))
    assert done.status == 2
    assert expected in done.refused


def test_a_file_that_is_not_there_and_an_empty_directory_are_refused(
    run: Callable[..., Ran], administrator: User, tmp_path: Path
) -> None:
    assert run("apply", "-f", str(tmp_path / "missing.yaml")).status == 2
    assert "has no files that end in" in run("apply", "-f", str(tmp_path)).refused


def test_what_is_exported_can_be_applied_from_standard_input_and_changes_nothing(
    run: Callable[..., Ran], files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("apply", "-f", str(files))
    exported = run("export")
    assert exported.status == 0
    assert "secret-of-the-source" not in exported.said
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(exported.said.encode())))

    again = run("apply", "-f", "-")

    assert again.said.splitlines()[-1] == "4 unchanged."
    assert run("export", "production").said == exported.said
    assert run("export", "production/app").said.count("\nkind: ") == 2
    assert run("export", "nothing").status == 2


def test_the_example_of_the_documentation_is_read_by_the_command(
    run: Callable[..., Ran], administrator: User, tmp_path: Path
) -> None:
    text = Path(ROOT, "docs/declarations.md").read_text()
    (tmp_path / "farm.yaml").write_text(text.partition("```yaml\n")[2].partition("```")[0])
    assert run("apply", "-f", str(tmp_path / "farm.yaml"), "--dry-run").status == 0
    assert run("apply", "-f", str(tmp_path / "farm.yaml")).said.splitlines()[-1] == "4 created."
