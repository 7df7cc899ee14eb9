"""Documents are read before they are kept: steps, their names, the parameters and outputs that they mention.

https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-schemas-features.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from baseops.sandbox.service import Members, ServiceError, calling, extend

# Any: moto's backend is untyped, a document is JSON of its author's.

_SCHEMAS = {"Automation": ("0.3",), "Command": ("1.2", "2.0", "2.2")}
_BUILT_IN = ("global", "automation", "ssm", "platformType")


def create_document(backend: Any, **_: Any) -> Members:
    """Keep a document that can be read."""
    given = calling().parameters
    kind = given.get("DocumentType", "Command")
    _refuse_unreadable(given["Content"], kind, given.get("DocumentFormat", "JSON"))
    made = backend.create_document(
        content=given["Content"],
        requires=given.get("Requires"),
        attachments=given.get("Attachments"),
        name=given["Name"],
        version_name=given.get("VersionName"),
        document_type=kind,
        document_format=given.get("DocumentFormat", "JSON"),
        target_type=given.get("TargetType"),
        tags=given.get("Tags"),
    )
    return {"DocumentDescription": made.describe(tags=given.get("Tags"))}


def update_document(backend: Any, **_: Any) -> Members:
    """Keep a new version."""
    given = calling().parameters
    former = backend.describe_document(given["Name"], None, None)
    kind, form = former["DocumentType"], given.get("DocumentFormat", former["DocumentFormat"])
    _refuse_unreadable(given["Content"], kind, form)
    described = backend.update_document(
        content=given["Content"],
        attachments=given.get("Attachments"),
        name=given["Name"],
        version_name=given.get("VersionName"),
        document_version=given.get("DocumentVersion", "$LATEST"),
        document_format=form,
        target_type=given.get("TargetType"),
    )
    return {"DocumentDescription": described}


def _refuse_unreadable(text: str, kind: str, form: str) -> None:
    if form != "JSON" or kind not in _SCHEMAS:
        return
    try:
        content = json.loads(text)
    except ValueError as error:
        raise _invalid("the JSON cannot be read") from error
    schema = str(content.get("schemaVersion"))
    if schema not in _SCHEMAS[kind]:
        raise _invalid(f"schemaVersion {schema} is not one of a document of type {kind}")
    for problem in _problems(content):
        raise _invalid(problem)


def _problems(content: Mapping[str, Any]) -> Iterator[str]:
    steps = content.get("mainSteps", [])
    names = [step.get("name") for step in steps]
    for step in steps:
        if not step.get("name") or not step.get("action"):
            yield "every step has a name and an action"
    if len(set(names)) != len(names):
        yield "two steps have the same name"
    known = {*content.get("parameters", {}), *content.get("variables", {})}
    for mentioned in _mentioned(content):
        first = re.split(r"[.:]", mentioned)[0]
        if first not in known and first not in names and first not in _BUILT_IN:
            yield f"{{{{ {mentioned} }}}} is neither a parameter nor an output of a step"
    for step in steps:
        for choice in step.get("inputs", {}).get("Choices", ()):
            if choice.get("NextStep") not in names:
                yield f"there is no step {choice.get('NextStep')}"


def _mentioned(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from re.findall(r"\{\{\s*([\w.:/-]+)\s*\}\}", value)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _mentioned(each)
    elif isinstance(value, list):
        for each in value:
            yield from _mentioned(each)


def _invalid(reason: str) -> ServiceError:
    return ServiceError(f"Invalid document content: {reason}", code="InvalidDocumentContent", status=400)


extend("ssm", "CreateDocument", create_document)
extend("ssm", "UpdateDocument", update_document)
