"""A small `aws` for the sandbox's guests: any operation by its name, as the instance's role; `s3 cp` of one object.

It has --query and --output, JSON and lists as arguments, --cli-input-json, and no more. Errors and exit codes are the
AWS CLI's (https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import jmespath
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from baseops.sandbox.guest.paths import within
from baseops.sandbox.guest.programs import Guest
from baseops.sandbox.guests import Reply

# Any: arguments and answers are structures of the services' models.

_GLOBAL = ("--query", "--output", "--region", "--endpoint-url", "--profile", "--cli-read-timeout", "--color")
_FLAGS = ("--no-cli-pager", "--no-paginate", "--no-verify-ssl", "--debug", "--no-sign-request")
_NO_CREDENTIALS = 253
_USAGE = 252
_REFUSED = 254


class _UsageError(Exception):
    """What the command line lacks."""


def answer(guest: Guest, arguments: Sequence[str], folder: str) -> Reply:
    """Answer a call of the AWS CLI."""
    options, words = _split(arguments)
    clients = guest.clients()
    if len(words) < 2:
        return Reply(_USAGE, "", "usage: aws <service> <operation> [parameters]\n")
    if clients is None:
        said = 'Unable to locate credentials. You can configure credentials by running "aws login".\n'
        return Reply(_NO_CREDENTIALS, "", said)
    service, operation, *rest = words
    try:
        client = clients.client(service, options.get("--region", guest.region))
        if service == "s3":
            return _copy(guest, client, operation, rest, folder)
        found = _called(client, operation, rest)
    except ClientError as error:
        return Reply(_REFUSED, "", f"\n{error}\n")
    except (BotoCoreError, _UsageError, ValueError) as error:
        return Reply(_USAGE, "", f"\n{error}\n")
    found.pop("ResponseMetadata", None)
    chosen = jmespath.search(options["--query"], found) if "--query" in options else found
    return Reply(0, _shown(chosen, options.get("--output", "json")))


def _split(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    options, words, rest = {}, [], list(arguments)
    while rest:
        each = rest.pop(0)
        name, is_joined, value = each.partition("=")
        if name in _GLOBAL:
            options[name] = value if is_joined else (rest.pop(0) if rest else "")
        elif each not in _FLAGS:
            words.append(each)
    return options, words


def _called(client: Any, operation: str, arguments: Sequence[str]) -> dict[str, Any]:
    method = operation.replace("-", "_")
    if method not in client.meta.method_to_api_mapping:
        raise _UsageError(f"aws: [ERROR]: argument operation: Found invalid choice '{operation}'")
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape
    members = {xform_name(name, "-"): (name, member) for name, member in (shape.members if shape else {}).items()}
    given: dict[str, Any] = {}
    for option, values in _grouped(arguments):
        if option == "cli-input-json":
            given.update(json.loads(values[0]))
            continue
        name, member = members.get(option) or members.get(option.removeprefix("no-")) or ("", None)
        if member is None:
            raise _UsageError(f"Unknown options: --{option}")
        given[name] = _value(member, values, is_negated=option not in members)
    answered: dict[str, Any] = dict(getattr(client, method)(**given))
    return answered


def _grouped(arguments: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    option, values = "", list[str]()
    for each in arguments:
        if each.startswith("--"):
            if option:
                yield option, values
            option, _, value = each[2:].partition("=")
            values = [value] if value else []
        else:
            values.append(each)
    if option:
        yield option, values


def _value(shape: Any, values: Sequence[str], *, is_negated: bool = False) -> Any:
    if shape.type_name == "boolean":
        return not is_negated
    if not values:
        raise _UsageError("expected one argument")
    if values[0].lstrip().startswith(("{", "[")):
        return json.loads(" ".join(values))
    if shape.type_name == "list":
        return [_value(shape.member, [each]) for each in values]
    if shape.type_name in ("structure", "map"):
        pairs = [each.partition("=") for each in values[0].split(",")]
        members = getattr(shape, "members", {})
        return {key: _value(members[key], [text]) if key in members else text for key, _, text in pairs}
    if shape.type_name in ("integer", "long"):
        return int(values[0])
    return values[0].encode() if shape.type_name == "blob" else values[0]


def _copy(guest: Guest, client: Any, operation: str, arguments: Sequence[str], folder: str) -> Reply:
    places = [each for each in arguments if not each.startswith("--")]
    if operation != "cp" or len(places) != 2:
        raise _UsageError("aws s3 of the sandbox's guests copies one object: aws s3 cp FROM TO")
    source, target = places
    if source.startswith("s3://"):
        bucket, _, key = source.removeprefix("s3://").partition("/")
        body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        if target == "-":
            return Reply(0, body.decode("utf-8", errors="surrogateescape"))
        place = within(guest.root, target if target.startswith("/") else f"{folder}/{target}")
        place = place / key.rpartition("/")[2] if place.is_dir() else place
        place.write_bytes(body)
        return Reply(0, f"download: {source} to {target}\n")
    bucket, _, key = target.removeprefix("s3://").partition("/")
    place = within(guest.root, source if source.startswith("/") else f"{folder}/{source}")
    client.put_object(
        Bucket=bucket, Key=key + place.name if key.endswith("/") or not key else key, Body=place.read_bytes()
    )
    return Reply(0, f"upload: {source} to {target}\n")


def _shown(value: Any, output: str) -> str:
    if output != "text":
        return "" if value is None else json.dumps(value, indent=4, default=_plain, ensure_ascii=False) + "\n"
    if isinstance(value, list) and value and all(isinstance(each, Mapping | list) for each in value):
        return "".join(_shown(each, output) for each in value)
    if isinstance(value, Mapping):
        value = [value[key] for key in sorted(value)]
    items = value if isinstance(value, list) else [value]
    return "\t".join(_word(each) for each in items) + "\n"


def _word(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return json.dumps(value, default=_plain)
    return value if isinstance(value, str) else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
