"""Bad images, and the exact lines that say what is wrong with each: `# title`, the declaration, `=> ` each line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from baseops.declaration import load
from baseops.errors import DeclarationError
from baseops.workflow.load import SPECS

FOLDER = Path(__file__).parent
IMAGE = """version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
images:
  web:
    base: {parameter: /aws/service/x}
    components: [./nginx.yaml]
    schedule: {cron: "0 3 ? * SUN *"}
    promise: {max_age: 8d, max_base_age: 35d}
    default_vpc: true
    publish: /acme/web
    retire: {deprecate_after: 60d}
"""
STEP = "{name: a, action: ExecuteBash, inputs: {commands: [id]}}"


def cases() -> Iterator[pytest.param]:
    for block in re.split(r"(?m)^# ", (FOLDER / "bad.txt").read_text(encoding="utf-8"))[1:]:
        title, _, body = block.partition("\n")
        lines = body.rstrip("\n").split("\n")
        text = "\n".join(line for line in lines if not line.startswith("=> ")) + "\n"
        yield pytest.param(text, [line.removeprefix("=> ") for line in lines if line.startswith("=> ")], id=title)


@pytest.mark.parametrize(("text", "expected"), list(cases()))
def test_a_bad_image_is_refused_with_place_and_remedy(refused, text, expected):
    assert [f"baseops.yaml:{line}" for line in expected] == refused(text)


def test_every_key_together_is_valid():
    said = [str(problem) for problem in load(FOLDER / "full.yaml", SPECS).warnings]
    assert [line for line in said if ": note: " not in line and not line.startswith("note")] == []


DOCUMENTS = {
    "no YAML": ("phases: [", "2: this is not YAML: "),
    "a list": ("- build\n", "1: expected a mapping with `schemaVersion` and `phases`"),
    "no version": (f"phases: [{{name: build, steps: [{STEP}]}}]\n", "1: write: schemaVersion: 1.0"),
    "no phases": (
        "schemaVersion: 1.0\n",
        "1: `phases` has to be a list with a build, validate or test phase",
    ),
    "an unknown phase": (
        f"schemaVersion: 1.0\nphases:\n  - name: install\n    steps: [{STEP}]\n",
        "3: expected a phase named build, validate or test, got 'install'",
    ),
    "a phase twice": (
        f"schemaVersion: 1.0\nphases:\n  - {{name: build, steps: [{STEP}]}}\n  - {{name: build, steps: [{STEP}]}}\n",
        "4: the phase 'build' stands twice",
    ),
    "test beside build": (
        f"schemaVersion: 1.0\nphases:\n  - {{name: build, steps: [{STEP}]}}\n  - {{name: test, steps: [{STEP}]}}\n",
        "4: a `test` phase needs a document of its own, without build and validate",
    ),
    "no steps": ("schemaVersion: 1.0\nphases:\n  - name: build\n", "3: the phase 'build' has no steps"),
    "a step twice": (
        f"schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - {STEP}\n      - {STEP}\n",
        "6: the step 'a' stands twice in the phase 'build'",
    ),
    "an unknown action": (
        "schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: a\n        action: RunShell\n",
        "6: expected an action such as ExecuteBash, got 'RunShell'",
    ),
    "an action of Windows": (
        (
            "schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n"
            "      - {name: a, action: InstallMSI, inputs: {path: x}}\n"
        ),
        "5: InstallMSI works on Windows, and images here are Linux: use ExecuteBash",
    ),
    "commands as text": (
        (
            "schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: a\n        action: ExecuteBash\n"
            "        inputs:\n          commands: id\n"
        ),
        "8: ExecuteBash needs `inputs: {commands: [ … ]}`",
    ),
    "an unknown key of a step": (
        "schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - {name: a, action: UpdateOS, retries: 3}\n",
        "5: the key 'retries' is not known in a step",
    ),
}


@pytest.mark.parametrize(("document", "expected"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_bad_component_is_refused_with_the_line_of_its_file(tmp_path, document, expected):
    (tmp_path / "nginx.yaml").write_text(document)
    (tmp_path / "baseops.yaml").write_text(IMAGE)
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path / "baseops.yaml", SPECS)
    first = str(caught.value.problems[0])
    assert f"baseops.yaml:8:18: images.web.components[0]: ./nginx.yaml:{expected}" in first
    assert first.endswith("Correct the file")


def test_a_component_over_64_kilobytes_is_refused(tmp_path):
    steps = f"schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - {STEP}\n#"
    (tmp_path / "nginx.yaml").write_text(steps + "x" * 65536)
    (tmp_path / "baseops.yaml").write_text(IMAGE)
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path / "baseops.yaml", SPECS)
    [problem] = caught.value.problems
    assert "./nginx.yaml has 65656 bytes, and Image Builder takes 65536" in str(problem)


def test_a_parameter_without_default_has_to_be_given(tmp_path):
    (tmp_path / "nginx.yaml").write_text(
        f"schemaVersion: 1.0\nparameters:\n  - Port: {{type: string}}\nphases:\n  - {{name: build, steps: [{STEP}]}}\n"
    )
    (tmp_path / "baseops.yaml").write_text(IMAGE)
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path / "baseops.yaml", SPECS)
    [problem] = caught.value.problems
    assert "./nginx.yaml needs the parameter 'Port', which has no default" in str(problem)
