"""Turns what a caller sends (template, parameters, tags) into a checked `Goal`, or into CloudFormation's refusal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from baseops.sandbox.kinds import KINDS
from baseops.sandbox.kinds.kind import Kind
from baseops.sandbox.service import ServiceError
from baseops.sandbox.stacks import existing
from baseops.sandbox.stacks.engine import Engine
from baseops.sandbox.stacks.records import Goal, Stack
from baseops.semantics.templates import capabilities, parameters, validation
from baseops.semantics.templates.errors import TemplateError
from baseops.semantics.templates.parse import BODY_LIMIT, URL_LIMIT, parse
from baseops.semantics.templates.reduction import reduced
from baseops.semantics.templates.references import dependencies, order, references

# Any: templates are JSON of any shape.


class ValidationError(ServiceError):
    """CloudFormation's general refusal."""

    code = "ValidationError"
    status = 400


@dataclass(frozen=True)
class Request:
    """What a caller asks a stack to become; None where nothing was said."""

    body: str | None = None
    url: str | None = None
    keeps_template: bool = False
    parameters: Iterable[Mapping[str, Any]] = ()
    tags: Iterable[Mapping[str, str]] | None = None
    capabilities: Iterable[str] = ()
    role_arn: str | None = None
    notification_arns: Iterable[str] | None = None
    token: str = ""

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Request:
        """From an operation's arguments."""
        return cls(
            members.get("template_body"),
            members.get("template_url"),
            bool(members.get("use_previous_template")),
            members.get("parameters") or (),
            members.get("tags"),
            members.get("capabilities") or (),
            members.get("role_arn"),
            members.get("notification_ar_ns", members.get("notification_arns")),
            members.get("client_request_token") or members.get("client_token") or "",
        )


@dataclass(frozen=True)
class Goals:
    """Makes goals for the stacks of one account and region."""

    engine: Engine

    def goal(self, request: Request, stack: Stack, imports: Mapping[str, str] | None = None) -> Goal:
        """The goal, checked as CloudFormation checks before it accepts an operation."""
        former = stack.goal
        body = self.body(request, former)
        try:
            source = parse(body)
            validation.check(source)
            check_types(source)
            return self._resolved(request, stack, Goal(body, source, source, {}, imports=imports or {}))
        except TemplateError as error:
            raise ValidationError(str(error)) from error

    def body(self, request: Request, former: Goal | None) -> str:
        """The template's text, from the request, from S3, or as it was."""
        if request.keeps_template:
            if former is None:
                raise ValidationError("Previous template does not exist; specify a template.")
            return former.body
        if request.url:
            return self._fetched(request.url)
        if not request.body:
            raise ValidationError("Either Template URL or Template Body must be specified.")
        if len(request.body.encode()) > BODY_LIMIT:
            raise ValidationError(
                f"1 validation error detected: Value '{request.body[:100]}' at 'templateBody' failed to satisfy "
                f"constraint: Member must have length less than or equal to {BODY_LIMIT}"
            )
        return request.body

    def _resolved(self, request: Request, stack: Stack, goal: Goal) -> Goal:
        former = stack.goal
        given = _given(request.parameters, former)
        chosen = parameters.chosen(goal.source, given)
        existing.check(self.engine, goal.source, chosen)
        if request.role_arn:
            existing.check_role(self.engine, request.role_arn)
        goal = replace(
            goal,
            parameters=chosen,
            stored=self._stored(goal.source, chosen),
            tags=_tags(request.tags, stack),
            capabilities=tuple(request.capabilities),
            role_arn=request.role_arn or (former.role_arn if former else ""),
            notification_arns=_notifications(request.notification_arns, former),
            token=request.token,
        )
        missing = capabilities.lacking(goal.source, list(request.capabilities))
        if missing:
            raise ServiceError(
                f"Requires capabilities : [{', '.join(missing)}]", code="InsufficientCapabilitiesException", status=400
            )
        return self._reduced(stack, goal)

    def _reduced(self, stack: Stack, goal: Goal) -> Goal:
        template = reduced(self.engine.scope(stack, goal, {}, predicting=True))
        if not template["Resources"]:
            raise TemplateError("Template format error: At least one Resources member must be defined.")
        known = {*parameters.declared(goal.source), *validation.PSEUDO}
        for section in ("Resources", "Outputs"):
            used = [each for entry in template[section].values() for each in references(_values_of(entry))]
            validation.check_resolved(section, used, {*template["Resources"]}, known)
        order(dependencies(template["Resources"]))
        _check_kept_types(stack, template["Resources"])
        return replace(goal, template=template)

    def _stored(self, source: Mapping[str, Any], chosen: Mapping[str, str]) -> dict[str, str]:
        """The values of parameters that name Systems Manager parameters."""
        named = {name: chosen[name] for name, each in parameters.declared(source).items() if parameters.is_stored(each)}
        return {name: self._stored_value(name, key) for name, key in named.items()}

    def _stored_value(self, name: str, key: str) -> str:
        client = self.engine.clients.client("ssm", self.engine.region)
        try:
            return str(client.get_parameter(Name=key)["Parameter"]["Value"])
        except ClientError as error:
            raise ValidationError(
                f"Unable to fetch parameters [{key}] from parameter store for this account."
            ) from error

    def _fetched(self, url: str) -> str:
        bucket, key = _object_of(url)
        client = self.engine.clients.client("s3", self.engine.region)
        try:
            content: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            said = error.response["Error"].get("Message", "Access Denied")
            raise ValidationError(
                f"S3 error: {said}\nFor more information check "
                "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
            ) from error
        if len(content) > URL_LIMIT:
            raise ValidationError(f"Template may not exceed {URL_LIMIT} bytes in size.")
        return content.decode()


def check_types(source: Mapping[str, Any]) -> None:
    """Refuse what the sandbox lacks: types, attributes, policies, transforms, rules; nothing is skipped."""
    _check_sections(source)
    resources = source["Resources"]
    unknown = sorted({each["Type"] for each in resources.values()} - {*KINDS})
    if unknown:
        raise TemplateError(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    for each in references({"Resources": _values_of(resources), "Outputs": source.get("Outputs") or {}}):
        if each.attribute and each.attribute != "*" and each.name in resources:
            _check_attribute(each.name, KINDS[resources[each.name]["Type"]], each.attribute)
    for name, each in resources.items():
        if each.get("DeletionPolicy") == "Snapshot" and type(KINDS[each["Type"]]).snapshot is Kind.snapshot:
            raise TemplateError(
                f"Template error: resource type {each['Type']} of {name} does not support Snapshot DeletionPolicy"
            )


def _check_sections(source: Mapping[str, Any]) -> None:
    transforms = source.get("Transform") or []
    for name in [transforms] if isinstance(transforms, (str, Mapping)) else transforms:
        if name != "AWS::LanguageExtensions":
            raise TemplateError(f"No transform named {name} found.")
    for section in ("Hooks", "Rules"):
        if source.get(section):
            raise TemplateError(f"Template format error: the sandbox does not know the section {section}")
    for name, each in source["Resources"].items():
        for attribute in ("CreationPolicy", "UpdatePolicy"):
            if attribute in each:
                raise TemplateError(f"{attribute} is not supported for resource {name} of type {each['Type']}")


def _check_kept_types(stack: Stack, resources: Mapping[str, Any]) -> None:
    changed = [
        name for name, each in stack.resources.items() if name in resources and resources[name]["Type"] != each.type
    ]
    if changed:
        raise TemplateError(
            "Update of resource type is not permitted. The new template modifies resource type of the following "
            f"resources: [{', '.join(sorted(changed))}]"
        )


def _check_attribute(name: str, kind: Kind, attribute: str) -> None:
    if attribute not in kind.attributes and attribute not in kind.properties:
        raise TemplateError(
            f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
        )


def _values_of(entries: Mapping[str, Any]) -> Any:
    if "Type" in entries or "Value" in entries:
        return {key: value for key, value in entries.items() if key != "Metadata"}
    return {name: _values_of(each) for name, each in entries.items()}


def _given(sent: Iterable[Mapping[str, Any]], former: Goal | None) -> dict[str, str]:
    given = {}
    for each in sent:
        name = each["ParameterKey"]
        if not each.get("UsePreviousValue"):
            given[name] = str(each.get("ParameterValue", ""))
        elif former is None or name not in former.parameters:
            raise ValidationError(
                f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter key "
                "not in the previous template"
            )
        else:
            given[name] = former.parameters[name]
    return given


def _tags(sent: Iterable[Mapping[str, str]] | None, stack: Stack) -> dict[str, str]:
    """No tags in a request keep those that the stack has."""
    if sent is None:
        return dict(stack.tags)
    tags = {each["Key"]: each["Value"] for each in sent}
    if any(key.lower().startswith("aws:") for key in tags):
        raise ValidationError("aws: prefixed tag key names are not allowed for external use.")
    return tags


def _notifications(sent: Iterable[str] | None, former: Goal | None) -> tuple[str, ...]:
    if sent is None:
        return former.notification_arns if former else ()
    return tuple(sent)


def _object_of(url: str) -> tuple[str, str]:
    """The bucket and key of an S3 URL, virtual-hosted or path style, at AWS or at an endpoint of one's own."""
    parts = urlsplit(url)
    path = unquote(parts.path.lstrip("/"))
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        raise ValidationError("TemplateURL must be a supported URL.")
    bucket, dot, rest = host.partition(".s3")
    if dot and rest.endswith(".amazonaws.com"):
        return bucket, path
    if host.endswith(".amazonaws.com") and not host.startswith("s3"):
        raise ValidationError("TemplateURL must be an Amazon S3 URL.")
    bucket, _, key = path.partition("/")
    return bucket, key
