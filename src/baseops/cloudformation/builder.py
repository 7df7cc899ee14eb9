"""Collects the resources of one stack in one region and turns them into templates; knows no resource's meaning.

    with stack.unit("web"):
        group = stack.add(logs.LogGroup(logical_id("web", "LogGroup"), KmsKeyId=stack.use(refs.key("logs"))))
        stack.add(logs.MetricFilter(..., LogGroupName=Ref(group)))
    stack.output("WebGroupArn", GetAtt(group, "Arn"))

What every resource gets without being asked: the declared tags, the IAM path, the permissions boundary.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from troposphere import AWSObject, GenericHelperFn, Ref, Sub, Tags

from baseops.cloudformation.resources import to_json, to_list
from baseops.cloudformation.split import Part, split
from baseops.contract.lock import Lock
from baseops.contract.site import DECLARATION_TAG, Site
from baseops.contract.template import Output, Source, Template
from baseops.contract.types import Json
from baseops.errors import CompileError

Made = TypeVar("Made", bound=AWSObject)

SHARED = ""
"""The unit of what belongs to no entry of its own."""

_WITH_PATH = ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::InstanceProfile")
_WITH_BOUNDARY = ("AWS::IAM::Role",)


class StackBuilder:
    """One stack being built. `region` is where it will live; `stack` its short name (`logs`)."""

    def __init__(self, stack: str, site: Site, region: str | None = None) -> None:
        """Start empty."""
        self.stack = stack
        self.site = site
        self.region = region or site.region
        self._unit = SHARED
        self._resources: dict[str, dict[str, Json]] = {}
        self._units: dict[str, str] = {}
        self._parameters: dict[str, Source] = {}
        self._outputs: dict[str, Json] = {}

    @contextmanager
    def unit(self, name: str) -> Iterator[None]:
        """Resources added inside stay together when the stack is split; one unit for each declared entry."""
        former, self._unit = self._unit, name
        try:
            yield
        finally:
            self._unit = former

    def add(self, made: Made) -> Made:
        """Add a resource with the declared tags, IAM path and boundary; returns it, for Ref and GetAtt.

        Properties are final when it is added. Raises `CompileError` for a logical id that is taken.
        """
        title = made.title
        if title is None or title in self._resources:
            raise CompileError(
                f"stack {self.stack}: two resources would have the logical id {title}",
                "two names differ only in characters that CloudFormation does not allow",
                "Rename one of the entries.",
            )
        self._dress(made)
        self._resources[title] = to_json(made)
        self._units[title] = self._unit
        return made

    def use(self, source: Source) -> Any:
        """A literal as it is, another stack's output as a Ref to a parameter (made on first use).

        An output of this very stack is its value: areas add to the region stacks that hold keys and topics. The
        parameter for another region's output has the region in its name: each region has a `SecretsKeyArn`.
        `Any`: troposphere's property types take a string or a helper.
        """
        if isinstance(source, str):
            return source
        if (source.stack, source.region) == (self.stack, self.region) and source.name in self._outputs:
            return GenericHelperFn(self._outputs[source.name])
        name = source.name if source.region == self.region else source.name + _words(source.region)
        self._parameters[name] = source
        return Ref(name)

    def output(self, name: str, value: object) -> None:
        """Make a value an output of the stack, for `Output(stack, region, name)` elsewhere."""
        self._outputs[name] = to_json(value)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added: an empty stack is not made."""
        return not self._resources

    def build(self, lock: Lock) -> tuple[list[Template], dict[str, int]]:
        """The templates, in the order in which they can be applied, and the places to remember in the lock.

        Raises `CompileError` when the stack cannot be split within CloudFormation's limits.
        """
        known = lock.places.get(self.place_key, {})
        parts, places = split(self.stack, self._resources, self._units, self._outputs, known)
        return [self._template(part) for part in parts], places

    @property
    def place_key(self) -> str:
        """Under which name the lock remembers this stack's places."""
        return self.stack if self.region == self.site.region else f"{self.stack}@{self.region}"

    def _template(self, part: Part) -> Template:
        sources: dict[str, Source] = {}
        for name in part.parameters:
            own = part.from_parts.get(name)
            sources[name] = _output_of(own, self.region) if own else self._parameters[name]
        body: dict[str, Json] = {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": f"baseops {self.site.name}: {part.name}",
        }
        if sources:
            body["Parameters"] = {name: {"Type": "String"} for name in sorted(sources)}
        body["Resources"] = dict(part.resources)
        if part.outputs:
            body["Outputs"] = {name: {"Value": value} for name, value in sorted(part.outputs.items())}
        return Template(
            stack=part.name,
            name=f"{self.site.prefix}-{part.name}",
            region=self.region,
            body=body,
            parameters=sources,
        )

    def _dress(self, made: AWSObject) -> None:
        if "Tags" in made.props:
            self._tag(made)
        if made.resource_type in _WITH_PATH and self.site.iam.path != "/":
            made.properties.setdefault("Path", self.site.iam.path)
        if made.resource_type in _WITH_BOUNDARY and self.site.iam.permissions_boundary:
            # A declaration for several accounts leaves the account in the ARN to CloudFormation.
            boundary = self.site.iam.permissions_boundary
            made.properties.setdefault("PermissionsBoundary", Sub(boundary) if "${" in boundary else boundary)

    def _tag(self, made: AWSObject) -> None:
        declared = {**self.site.tags, DECLARATION_TAG: self.site.name}
        as_map = made.props["Tags"][0] is dict
        own = made.properties.get("Tags")
        if as_map:
            made.properties["Tags"] = {**declared, **(own or {})}
            return
        mine = {tag["Key"]: tag["Value"] for tag in to_list(own)}
        made.properties["Tags"] = Tags({**declared, **mine})


def _output_of(own: tuple[str, str], region: str) -> Source:
    return Output(own[0], region, own[1])


def _words(region: str) -> str:
    return "".join(word.capitalize() for word in region.split("-"))
