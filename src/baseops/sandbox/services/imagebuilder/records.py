"""What Image Builder keeps: records by ARN with AWS's own member names, refused in its own words."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from baseops.sandbox.constraints import refusal
from baseops.sandbox.service import SandboxBackend, ServiceError

# Any: a record is a structure of the service's model.
Record = dict[str, Any]

PAGE = 25
"""https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_ListImages.html: 1 to 25 results."""


class Records(SandboxBackend):
    """The records of one account and region; operations lie in the subclasses."""

    service = "imagebuilder"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.records: dict[str, dict[str, Record]] = {}

    def shelf(self, noun: str) -> dict[str, Record]:
        """The records of a noun such as `image-recipe`, by ARN."""
        return self.records.setdefault(noun, {})

    def find(self, noun: str, arn: str) -> Record:
        """A record, or the refusal that there is none."""
        record = self.shelf(noun).get(arn)
        if record is None:
            raise ServiceError(
                f"The resource with ARN '{arn}' does not exist.", code="ResourceNotFoundException", status=404
            )
        return record

    def put(self, noun: str, arn: str, record: Record) -> Record:
        """Keep a new record; refuses one that exists."""
        if arn in self.shelf(noun):
            raise ServiceError(
                f"The following resource '{arn}' already exists.", code="ResourceAlreadyExistsException", status=400
            )
        self.shelf(noun)[arn] = {"arn": arn, **record}
        return self.shelf(noun)[arn]

    def take(self, noun: str, arn: str) -> None:
        """Delete a record, unless another depends on it."""
        self.find(noun, arn)
        users = sorted(self.users_of(arn))
        if users:
            raise ServiceError(
                f"The resource '{arn}' cannot be deleted because other resources depend on it: {', '.join(users)}.",
                code="ResourceDependencyException",
                status=400,
            )
        del self.shelf(noun)[arn]

    def users_of(self, arn: str) -> Iterator[str]:
        """The ARNs of what names the resource: recipes their components, pipelines and images their recipes."""
        for noun in ("image-recipe", "image-pipeline", "image"):
            for user, record in self.shelf(noun).items():
                if arn in named_by(record):
                    yield user

    def name_arn(self, noun: str, name: str, *versions: str) -> str:
        """The ARN of a thing by its name."""
        slug = re.sub(r"[^a-z0-9_-]", "-", name.lower())
        return self.arn("/".join((f"{noun}/{slug}", *versions)))

    def check(self, operation: str, request: Mapping[str, Any]) -> None:
        """Refuse what the model forbids."""
        shape = self.clients.client("imagebuilder").meta.service_model.operation_model(operation).input_shape
        said = refusal(shape, request)
        if said:
            raise invalid(said)

    def moment(self) -> str:
        """Now, as Image Builder writes dates."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    def token(self) -> str:
        """A request id."""
        return f"{self.hex(8)}-{self.hex(4)}-4{self.hex(3)}-8{self.hex(3)}-{self.hex(12)}"

    # --- tags, of anything ---

    def list_tags_for_resource(self, resource_arn: str) -> Mapping[str, Any]:
        """Answer ListTagsForResource."""
        return {"tags": dict(self._anything(resource_arn).get("tags", {}))}

    def tag_resource(self, resource_arn: str, tags: Mapping[str, str]) -> Mapping[str, Any]:
        """Answer TagResource."""
        record = self._anything(resource_arn)
        record["tags"] = {**record.get("tags", {}), **tags}
        return {}

    def untag_resource(self, resource_arn: str, tag_keys: Sequence[str]) -> Mapping[str, Any]:
        """Answer UntagResource."""
        record = self._anything(resource_arn)
        record["tags"] = {key: value for key, value in record.get("tags", {}).items() if key not in tag_keys}
        return {}

    def _anything(self, arn: str) -> Record:
        return self.find(arn.split(":")[5].partition("/")[0], arn)


def named_by(record: Mapping[str, Any]) -> set[str]:
    """The ARNs that a record depends on."""
    direct = ("imageRecipeArn", "infrastructureConfigurationArn", "distributionConfigurationArn")
    found = {str(record[key]) for key in direct if record.get(key)}
    found |= {str(each["componentArn"]) for each in record.get("components", ())}
    recipe = record.get("imageRecipe")
    return found | ({str(recipe["arn"])} if recipe else set())


def members(request: Mapping[str, Any]) -> Record:
    """A request's members in the model's spelling, without what only concerns the call."""
    spelled = {_camel(name): copy.deepcopy(value) for name, value in request.items() if value is not None}
    return {name: value for name, value in spelled.items() if name not in ("clientToken", "dryRun")}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def invalid(message: str) -> ServiceError:
    """A value that is refused."""
    return ServiceError(message, code="InvalidParameterValueException", status=400)


def page(items: Iterable[Any], max_results: int | None, next_token: str | None) -> tuple[list[Any], str | None]:
    """One page of a list, and the token of the next."""
    listed, start = list(items), int(next_token or 0)
    end = start + (max_results or PAGE)
    return copy.deepcopy(listed[start:end]), str(end) if end < len(listed) else None


def matches(record: Mapping[str, Any], filters: Sequence[Mapping[str, Any]] | None) -> bool:
    """Whether a record fulfils every filter, by members such as `name` or `state.status`."""
    return all(_value(record, each["name"]) in each["values"] for each in filters or ())


def _value(record: Mapping[str, Any], path: str) -> str:
    value: Any = record
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, Mapping) else ""
    return str(value)


def next_version(wanted: str, existing: Iterable[str]) -> str:
    """A semantic version with its wildcard filled: `1.0.x` becomes the next after those that exist.

    https://docs.aws.amazon.com/imagebuilder/latest/userguide/ibhow-semantic-versioning.html
    """
    parts = wanted.split(".")
    if "x" not in parts:
        return wanted
    place = parts.index("x")
    fixed = parts[:place]
    taken = [each.split(".") for each in existing]
    known = [int(each[place]) for each in taken if each[:place] == fixed]
    return ".".join([*fixed, str(max(known) + 1 if known else 0), *("0" for _ in parts[place + 1 :])])


def newest(arns: Iterable[str], wanted: str) -> str | None:
    """The newest of the ARNs that `…/x.x.x` or `…/1.0.0` means; None when there is none."""
    base, _, version = wanted.rpartition("/")
    pattern = re.compile(re.escape(base) + "/" + version.replace(".", r"\.").replace("x", r"\d+") + r"(?:/\d+)?")
    found = [each for each in arns if pattern.fullmatch(each)]
    return max(found, key=_order) if found else None


def _order(arn: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", arn.split("/", 2)[2])]
