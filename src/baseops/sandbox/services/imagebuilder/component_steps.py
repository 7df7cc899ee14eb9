"""Runs the phases of components in a guest, step by step, as Image Builder's AWSTOE does.

https://docs.aws.amazon.com/imagebuilder/latest/userguide/toe-action-modules.html. One script goes through the steps of
a phase and asks for each; what an action needs of AWS or of the packages the sandbox does itself. A step that needs
more than the sandbox has is not exercised, and neither is what follows in its component.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from baseops.sandbox.guest import aws_cli, dnf
from baseops.sandbox.guest.paths import entry, within
from baseops.sandbox.guest.programs import Guest, run_script
from baseops.sandbox.guests import Reply

# Any: component documents are YAML.

_PLACE = re.compile(r"\{\{\s*([\w.:/-]+)\s*\}\}")
_TIMEOUT = 110.0
_KNOWN = {"action", "inputs", "maxAttempts", "name", "onFailure", "timeoutSeconds"}
"""Of a step; there are `if` and `loop` besides, and with what else it may have one day it would not run as it is here.

https://docs.aws.amazon.com/imagebuilder/latest/userguide/toe-use-documents.html#document-schema
"""
_DRIVER = """\
code=
while toe next "$code"; do
  code=
  if [ -e /run/sandbox/step ]; then
    /bin/bash /run/sandbox/step > /run/sandbox/step-output 2> /run/sandbox/step-errors
    code=$?
  fi
done
"""


@dataclass(frozen=True)
class Document:
    """A component of a recipe: its document with the values of its parameters."""

    arn: str
    content: Mapping[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One step of a phase, and how it went. `status` is in AWS's words, plus NOT_EXERCISED."""

    document: Document
    phase: str
    name: str
    action: str
    inputs: Any
    on_failure: str = "Abort"
    attempts: int = 1
    unknown: tuple[str, ...] = ()
    status: str = "PENDING"
    output: str = ""
    errors: str = ""

    @property
    def ends_the_build(self) -> bool:
        """Whether it failed, and that matters."""
        return self.status in ("FAILED", "TIMED_OUT") and self.on_failure == "Abort"


def document_of(arn: str, text: str, given: Mapping[str, str]) -> Document:
    """A component's document with its constants and the values that a recipe gives, its defaults otherwise."""
    content = yaml.safe_load(text)
    constants = {
        str(name): str(about["value"]) for each in content.get("constants") or () for name, about in each.items()
    }
    described = [item for each in content.get("parameters") or () for item in each.items()]
    defaults = {str(name): str(about["default"]) for name, about in described if "default" in about}
    return Document(arn, content, {**constants, **defaults, **given})


def steps_of(documents: Iterable[Document], phase: str) -> list[Step]:
    """The steps of a phase over all components, in the recipe's order."""
    return [
        _step(each, phase, step)
        for each in documents
        for one in each.content["phases"]
        if one["name"] == phase
        for step in one["steps"]
    ]


def _step(document: Document, phase: str, step: Mapping[str, Any]) -> Step:
    return Step(
        document,
        phase,
        str(step["name"]),
        str(step["action"]),
        step.get("inputs"),
        on_failure=str(step.get("onFailure", "Abort")),
        attempts=int(step.get("maxAttempts", 1)),
        unknown=tuple(sorted(set(step) - _KNOWN)),
    )


def run_phase(guest: Guest, steps: Sequence[Step], before: Sequence[Step] = ()) -> list[Step]:
    """Run steps in a guest; those after a failure stay pending. Raises `guests.NotExercisedError`.

    `before` are the steps of earlier phases: their outputs can be named, and what could not be exercised there has
    consequences here.
    """
    if not steps:
        return []
    course = _Course(guest, list(steps), list(before))
    ran = run_script(guest, _DRIVER, _TIMEOUT, programs={"toe": course.answer})
    if ran.is_timed_out:
        course.steps = [
            replace(each, status="TIMED_OUT") if each.status == "RUNNING" else each for each in course.steps
        ]
    return course.steps


class _Course:
    """The steps of a phase while they run."""

    def __init__(self, guest: Guest, steps: list[Step], before: list[Step]) -> None:
        self.steps = steps
        self._before = before
        self._said = guest.not_exercised
        self._number = -1

    def answer(self, guest: Guest, arguments: Sequence[str], _folder: str) -> Reply:
        """Answer the driver: `next`, with the code of the script that it ran, until there is nothing more to do."""
        script = guest.root / "run/sandbox/step"
        if arguments[1]:
            self._end(guest, int(arguments[1]))
        script.unlink(missing_ok=True)
        self._number += 1
        if self._number >= len(self.steps) or any(each.ends_the_build for each in self.steps):
            return Reply(1)
        self._begin(guest, self._number, script)
        return Reply()

    def _begin(self, guest: Guest, number: int, script: Path) -> None:
        step = self.steps[number]
        reason = self._why_not(step)
        if reason:
            self.steps[number] = replace(step, status="NOT_EXERCISED", errors=reason)
            return
        inputs = self._filled(step.inputs, step.document.parameters)
        if step.action == "ExecuteBash":
            script.write_text("\n".join(map(str, inputs["commands"])) + "\n", encoding="utf-8")
            self.steps[number] = replace(step, status="RUNNING")
            return
        try:
            output = _ACTIONS[step.action](guest, inputs)
        except _StepError as error:
            self._note(number, step, 1, "", str(error))
        except OSError as error:
            self._note(number, step, 1, "", f"{type(error).__name__}: {error.strerror}")
        else:
            self._note(number, step, 0, output, "")

    def _end(self, guest: Guest, code: int) -> None:
        shared = guest.root / "run/sandbox"
        output, errors = ((shared / f"step-{each}").read_text(errors="replace") for each in ("output", "errors"))
        self._note(self._number, self.steps[self._number], code, output, errors)

    def _note(self, number: int, step: Step, code: int, output: str, errors: str) -> None:
        status = "COMPLETED" if code == 0 else "FAILED"
        if code and self._said:
            status, errors = "NOT_EXERCISED", "; ".join(self._said)
        elif code and step.attempts > 1:
            status, errors = "NOT_EXERCISED", f"it failed, and the sandbox tries once, not {step.attempts} times"
        elif self._said:
            errors += "".join(f"not exercised: {each}\n" for each in self._said)
        self._said.clear()
        self.steps[number] = replace(step, status=status, output=output, errors=errors)

    def _why_not(self, step: Step) -> str:
        if step.action not in _ACTIONS and step.action != "ExecuteBash":
            return f"the sandbox does not run {step.action}"
        if step.unknown:
            return f"the sandbox does not know {' and '.join(step.unknown)} of a step"
        earlier = [
            each for each in (*self._before, *self.steps)
            if each.document.arn == step.document.arn and each.status == "NOT_EXERCISED"
        ]  # fmt: skip
        return f"it follows {earlier[0].name}, which was not exercised" if earlier else ""

    def _filled(self, value: Any, parameters: Mapping[str, str]) -> Any:
        if isinstance(value, list):
            return [self._filled(each, parameters) for each in value]
        if isinstance(value, Mapping):
            return {key: self._filled(each, parameters) for key, each in value.items()}
        return _PLACE.sub(lambda found: self._named(found, parameters), value) if isinstance(value, str) else value

    def _named(self, found: re.Match[str], parameters: Mapping[str, str]) -> str:
        """A parameter, or `build.STEP.outputs.stdout`; what is neither stays as it is."""
        parts = found[1].split(".")
        if len(parts) == 4 and parts[2:] == ["outputs", "stdout"]:
            done = [each for each in (*self._before, *self.steps) if [each.phase, each.name] == parts[:2]]
            return done[-1].output.rstrip("\n") if done else found[0]
        return parameters.get(found[1], found[0])


class _StepError(Exception):
    """Why an action failed."""


def _reboot(guest: Guest, _inputs: Any) -> str:
    guest.running.clear()
    guest.settings.clear()
    return ""


def _update(guest: Guest, _inputs: Any) -> str:
    return _checked(dnf.answer(guest, ["-y", "upgrade"], "/"))


def _create_file(guest: Guest, inputs: Any) -> str:
    for each in inputs:
        place = within(guest.root, str(each["path"]))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(str(each.get("content", "")), encoding="utf-8")
        place.chmod(int(str(each.get("permissions", "0644")), 8))
    return ""


def _append_file(guest: Guest, inputs: Any) -> str:
    for each in inputs:
        with within(guest.root, str(each["path"])).open("a", encoding="utf-8") as file:
            file.write(str(each.get("content", "")))
    return ""


def _create_folder(guest: Guest, inputs: Any) -> str:
    for each in inputs:
        within(guest.root, str(each["path"])).mkdir(parents=True, exist_ok=True)
    return ""


def _create_link(guest: Guest, inputs: Any) -> str:
    for each in inputs:
        entry(guest.root, str(each["path"])).symlink_to(str(each["target"]))
    return ""


def _delete_file(guest: Guest, inputs: Any) -> str:
    for each in inputs:
        entry(guest.root, str(each["path"])).unlink()
    return ""


def _set_permissions(guest: Guest, inputs: Any) -> str:
    for each in inputs:
        within(guest.root, str(each["path"])).chmod(int(str(each["permissions"]), 8))
    return ""


def _download(guest: Guest, inputs: Any) -> str:
    return "".join(
        _checked(aws_cli.answer(guest, ["s3", "cp", str(each["source"]), str(each["destination"])], "/"))
        for each in inputs
    )


def _upload(guest: Guest, inputs: Any) -> str:
    return _download(guest, inputs)


def _checked(reply: Reply) -> str:
    if reply.code:
        raise _StepError(reply.errors.strip())
    return reply.output


_ACTIONS = {
    "AppendFile": _append_file,
    "CreateFile": _create_file,
    "CreateFolder": _create_folder,
    "CreateSymlink": _create_link,
    "DeleteFile": _delete_file,
    "Reboot": _reboot,
    "S3Download": _download,
    "S3Upload": _upload,
    "SetFilePermissions": _set_permissions,
    "UpdateOS": _update,
}
