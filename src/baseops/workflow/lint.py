"""Lints compiled templates with cfn-lint, a program that the user has; answers are kept by the template's content.

It never installs anything and never changes a template. cfn-lint spends seconds on a large template, so only
templates that it has not yet seen are given to it, in one run for each region.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from baseops.cloudformation.text import template_text
from baseops.contract.finding import Finding, Severity
from baseops.contract.template import Template
from baseops.contract.types import AreaName, Json
from baseops.errors import InconclusiveError

_SEVERITIES = {"Error": Severity.ERROR, "Warning": Severity.WARNING, "Informational": Severity.NOTE}

NOT_INSTALLED = Finding(
    severity=Severity.NOTE,
    rule="lint.not-installed",
    path=(),
    message="the templates were not linted: cfn-lint is neither on PATH nor beside baseops",
    remedy="Run: pip install 'baseops-aws[lint]'",
)


def find_linter(environment: Mapping[str, str] = os.environ) -> Path | None:
    """cfn-lint beside our own interpreter (the extra `lint`), else on PATH."""
    beside = Path(sys.executable).with_name("cfn-lint")
    found = str(beside) if beside.exists() else shutil.which("cfn-lint", path=environment.get("PATH"))
    return Path(found) if found else None


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where answers are kept: https://specifications.freedesktop.org/basedir-spec/latest/."""
    base = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME", "~")).expanduser() / ".cache"
    return Path(base) / "baseops" / "lint"


def lint(templates: Sequence[Template], *, linter: Path | None, cache: Path) -> list[Finding]:
    """What cfn-lint says of each template, in the templates' order; a note when there is no cfn-lint.

    Raises `InconclusiveError` when cfn-lint breaks off.
    """
    if linter is None:
        return [NOT_INSTALLED]
    answers = _Answers(cache, _version(linter))
    missing: dict[str, list[Template]] = defaultdict(list)
    for template in templates:
        if not answers.has(template):
            missing[template.region].append(template)
    for region, unseen in missing.items():
        for template, matches in zip(unseen, _run(linter, region, unseen), strict=True):
            answers.keep(template, matches)
    return [finding for template in templates for finding in _findings(template, answers.of(template))]


@dataclass(frozen=True)
class _Answers:
    """Answers on disk; another version of cfn-lint asks anew."""

    folder: Path
    version: str

    def _path(self, template: Template) -> Path:
        content = f"{self.version}\0{template.region}\0{template_text(template)}"
        return self.folder / f"{hashlib.sha256(content.encode()).hexdigest()}.json"

    def has(self, template: Template) -> bool:
        return self._path(template).exists()

    def of(self, template: Template) -> list[dict[str, Json]]:
        matches: list[dict[str, Json]] = json.loads(self._path(template).read_text())
        return matches

    def keep(self, template: Template, matches: list[dict[str, Json]]) -> None:
        path = self._path(template)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(matches))
        temporary.replace(path)


def _version(linter: Path) -> str:
    """What the program says of itself; a shim's file stays the same when the program behind it changes."""
    done = _called([str(linter), "--version"])
    if done.returncode:
        raise _broken_off(done, linter)
    return done.stdout.strip()


def _run(linter: Path, region: str, templates: Sequence[Template]) -> Iterator[list[dict[str, Json]]]:
    with tempfile.TemporaryDirectory(prefix="baseops-lint-") as folder:
        paths = [Path(folder) / f"{template.stack}.json" for template in templates]
        for path, template in zip(paths, templates, strict=True):
            path.write_text(template_text(template))
        command = [str(linter), "--format", "json", "--regions", region, "--", *map(str, paths)]
        matches = _parsed(_called(command), linter)
    for path in paths:
        yield [_essence(match) for match in matches if match["Filename"] == str(path)]


def _called(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def _parsed(done: subprocess.CompletedProcess[str], linter: Path) -> list[dict[str, Json]]:
    try:
        matches: list[dict[str, Json]] = json.loads(done.stdout)
    except ValueError as error:
        raise _broken_off(done, linter) from error
    return matches


def _broken_off(done: subprocess.CompletedProcess[str], linter: Path) -> InconclusiveError:
    said = (done.stderr.strip().splitlines() or ["no output"])[-1]
    why = f"it ended with {done.returncode}: {said}"
    return InconclusiveError("cfn-lint did not judge the templates", why, f"Run: {linter} --version")


def _essence(match: dict[str, Json]) -> dict[str, Json]:
    rule, location = match["Rule"], match["Location"]
    path = location.get("Path") if isinstance(location, dict) else None
    return {
        "level": match["Level"],
        "rule": rule.get("Id") if isinstance(rule, dict) else "",
        "source": rule.get("Source") if isinstance(rule, dict) else "",
        "place": "/".join(map(str, path)) if isinstance(path, list) else "",
        "message": match["Message"],
    }


def _findings(template: Template, matches: list[dict[str, Json]]) -> Iterator[Finding]:
    area = template.stack.rstrip("0123456789").rstrip("-")
    for match in matches:
        place = f" at {match['place']}" if match["place"] else ""
        yield Finding(
            severity=_SEVERITIES[str(match["level"])],
            rule=f"lint.{str(match['rule']).lower()}",
            path=(area,) if area in get_args(AreaName) else (),
            message=f"stack {template.stack} in {template.region}{place}: {match['message']}",
            remedy=f"See {match['source']}",
        )
