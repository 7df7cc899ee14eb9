"""Makes, changes and removes one resource through its kind; turns refusals into CloudFormation's sentences."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from moto.moto_api._internal import mock_random

from baseops.sandbox.kinds import KINDS
from baseops.sandbox.kinds.kind import HandlerError, Kind
from baseops.sandbox.stacks.engine import Engine
from baseops.sandbox.stacks.records import Resource, Stack
from baseops.sandbox.stacks.work import TaskError
from baseops.semantics.templates.errors import TemplateError

# Any: properties are JSON of any shape.
T = TypeVar("T")
log = logging.getLogger(__name__)

_CODES = (
    ("AlreadyExists", "AlreadyExists"),
    ("NotFound", "NotFound"),
    ("NoSuch", "NotFound"),
    ("NonExistent", "NotFound"),
    ("DoesNotExist", "NotFound"),
    ("AccessDenied", "AccessDenied"),
    ("Throttl", "Throttling"),
    ("LimitExceeded", "ServiceLimitExceeded"),
    ("Conflict", "ResourceConflict"),
    ("InUse", "ResourceConflict"),
    ("Internal", "ServiceInternalError"),
)


@dataclass(frozen=True)
class Handler:
    """The handlers of all types for one stack."""

    engine: Engine
    stack: Stack

    def create(self, logical_id: str, kind: Kind, properties: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        """Make the resource and give its physical id; a name that is taken is refused."""
        check_properties(logical_id, kind, properties)
        ctx = self.engine.context(self.stack, logical_id)
        name = self.engine.physical_name(self.stack, logical_id, kind)

        def make() -> str:
            given = tagged(kind, self.engine.actual(properties), tags)
            claimed = kind.named(ctx, given)
            if claimed is not None and kind.read(ctx, claimed, given) is not None:
                raise HandlerError(taken(kind, properties), "AlreadyExists")
            return kind.create(ctx, given, name)

        return _handled(kind, make)

    def attributes(self, resource: Resource) -> Mapping[str, Any]:
        """What Fn::GetAtt may ask for."""
        ctx, kind = self.engine.context(self.stack, resource.logical_id), KINDS[resource.type]
        return _handled(kind, lambda: kind.get(ctx, resource.physical_id, self._given(resource)))

    def update(self, old: Resource, new: Resource) -> None:
        """Change the resource in place."""
        kind = KINDS[old.type]
        check_properties(new.logical_id, kind, new.properties)
        ctx = self.engine.context(self.stack, old.logical_id)
        _handled(kind, lambda: kind.update(ctx, old.physical_id, self._given(old), self._given(new)))

    def read(self, resource: Resource) -> Mapping[str, Any] | None:
        """The live properties, None when it is gone."""
        kind, ctx = KINDS[resource.type], self.engine.context(self.stack, resource.logical_id)
        return _handled(kind, lambda: kind.read(ctx, resource.physical_id, self._given(resource)))

    def snapshot(self, resource: Resource) -> None:
        """Keep the resource's data before it goes (DeletionPolicy Snapshot)."""
        kind, ctx = KINDS[resource.type], self.engine.context(self.stack, resource.logical_id)
        _handled(kind, lambda: kind.snapshot(ctx, resource.physical_id, self._given(resource)))

    def delete(self, resource: Resource) -> None:
        """Remove the resource, if it is still there."""
        if resource.physical_id and self.read(resource) is not None:
            kind, ctx = KINDS[resource.type], self.engine.context(self.stack, resource.logical_id)
            _handled(kind, lambda: kind.delete(ctx, resource.physical_id, self._given(resource)))

    def _given(self, resource: Resource) -> Mapping[str, Any]:
        return tagged(KINDS[resource.type], self.engine.actual(resource.properties), resource.stack_tags)


def tagged(kind: Kind, properties: Mapping[str, Any], tags: Mapping[str, str]) -> Mapping[str, Any]:
    """The properties with the stack's tags among the resource's own, which win."""
    if not kind.tags or not tags:
        return properties
    own = properties.get(kind.tag_property)
    if kind.tags == "map":
        return {**properties, kind.tag_property: {**tags, **(own or {})}}
    named = {tag["Key"] for tag in own or ()}
    added = [{"Key": key, "Value": value} for key, value in tags.items() if key not in named]
    return {**properties, kind.tag_property: [*(own or ()), *added]}


def taken(kind: Kind, properties: Mapping[str, Any]) -> str:
    """The sentence on a name that is taken."""
    names = [name for name in kind.identifier if name in properties] or [kind.name_property]
    identifier = json.dumps({f"/properties/{name}": properties.get(name) for name in names}, separators=(",", ":"))
    return f"Resource of type '{kind.type}' with identifier '{identifier}' already exists."


def check_properties(logical_id: str, kind: Kind, properties: Mapping[str, Any]) -> None:
    """Refuse properties that the type does not have, and the lack of those that it requires."""
    wrong = [f"#: extraneous key [{name}] is not permitted" for name in properties if name not in kind.properties]
    wrong += [f"#: required key [{name}] not found" for name in sorted(kind.required) if name not in properties]
    if wrong:
        raise TaskError(f"Properties validation failed for resource {logical_id} with message:\n[{', '.join(wrong)}]")


def _handled(kind: Kind, action: Callable[[], T]) -> T:
    """What the action gives; whatever it raises as the reason of a failed resource."""
    try:
        return action()
    except TemplateError as error:
        raise TaskError(str(error)) from error
    except HandlerError as error:
        raise TaskError(_message(error.message, error.code)) from error
    except ClientError as error:
        raise TaskError(_message(_service_words(kind, error), _code(error))) from error
    except BotoCoreError as error:
        raise TaskError(_message(str(error), "InvalidRequest")) from error
    except Exception as error:  # a defect of a kind has to end the stack operation, not hang it
        log.exception("a resource handler broke")
        raise TaskError(_message(f"{type(error).__name__}: {error}", "InternalFailure")) from error


def _service_words(kind: Kind, error: ClientError) -> str:
    answer: Any = error.response
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    said = answer["Error"].get("Message", "")
    return f"{said} (Service: {kind.service}, Status Code: {status}, Request ID: {mock_random.uuid4()})"


def _code(error: ClientError) -> str:
    code = str(error.response["Error"].get("Code", ""))
    return next((ours for part, ours in _CODES if part in code), "InvalidRequest")


def _message(text: str, code: str) -> str:
    return (
        f'Resource handler returned message: "{text}" (RequestToken: {mock_random.uuid4()}, HandlerErrorCode: {code})'
    )
