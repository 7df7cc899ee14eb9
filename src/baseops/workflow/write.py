"""Writes compiled templates to a folder, one file for each stack, and removes the files of stacks that are gone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from baseops.cloudformation.text import template_text
from baseops.contract.template import Template
from baseops.workflow.compile import Compiled

SUFFIX = ".template.json"


@dataclass(frozen=True)
class Written:
    """One file: `bytes` and `resources` are counts."""

    stack: str
    region: str
    resources: int
    bytes: int
    file: str


def write_templates(compiled: Compiled, folder: Path) -> list[Written]:
    """Write every template as `REGION/STACK.template.json` below `folder`; each file appears whole or not at all."""
    written = [_write(template, folder) for template in compiled.templates]
    wanted = {Path(each.file) for each in written}
    for old in folder.glob(f"*/*{SUFFIX}"):
        if old not in wanted:
            old.unlink()
    return written


def _write(template: Template, folder: Path) -> Written:
    path = folder / template.region / f"{template.stack}{SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = template_text(template)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(path)
    resources = template.body["Resources"]
    count = len(resources) if isinstance(resources, dict) else 0
    return Written(template.stack, template.region, count, len(text.encode()), str(path))
