"""A secret as Secrets Manager keeps it: versions with staging labels, rotation, deletion. It calls nothing.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from baseops.sandbox.service import ServiceError
from baseops.sandbox.ticker import Entry

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
DEFAULT_KEY = "alias/aws/secretsmanager"


class NotFoundError(ServiceError):
    """A secret, a version or a value that is not there."""

    code = "ResourceNotFoundException"


class InvalidRequestError(ServiceError):
    """A request that the secret's state does not allow."""

    code = "InvalidRequestException"


class InvalidParameterError(ServiceError):
    """A parameter with a value that is not allowed."""

    code = "InvalidParameterException"


@dataclass
class Version:
    """One version; one without a value is what a rotation has begun with."""

    id: str
    created: datetime
    key: str | None
    text: str | None = field(default=None, repr=False)
    binary: bytes | None = field(default=None, repr=False)
    stages: list[str] = field(default_factory=list)
    accessed: datetime | None = None
    former_keys: list[str | None] = field(default_factory=list)

    @property
    def has_value(self) -> bool:
        """Whether there is something to read."""
        return self.text is not None or self.binary is not None

    def members(self) -> dict[str, Any]:
        """The value, as GetSecretValue gives it."""
        return {"SecretString": self.text} if self.text is not None else {"SecretBinary": self.binary}


@dataclass
class Rotation:
    """How a secret is rotated. `upcoming` is the next one on the clock."""

    is_enabled: bool = False
    function: str | None = None
    rules: dict[str, Any] = field(default_factory=dict)
    last: datetime | None = None
    due: datetime | None = None
    upcoming: Entry | None = field(default=None, repr=False)

    def stop(self) -> None:
        """Rotate no more; the function stays known."""
        self.is_enabled, self.due = False, None
        if self.upcoming:
            self.upcoming.cancel()


@dataclass
class Secret:
    """One secret in one region. A replica shares its primary's versions and names the primary's region."""

    name: str
    arn: str
    region: str
    created: datetime
    changed: datetime
    key: str | None = None
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    versions: dict[str, Version] = field(default_factory=dict, repr=False)
    policy: str | None = None
    rotation: Rotation = field(default_factory=Rotation)
    deletion: datetime | None = None
    purge: Entry | None = field(default=None, repr=False)
    replicas: dict[str, dict[str, Any]] = field(default_factory=dict)
    primary_region: str | None = None

    def labelled(self, stage: str) -> Version | None:
        """The version that carries a staging label."""
        return next((version for version in self.versions.values() if stage in version.stages), None)

    def put(self, version: Version, stages: list[str]) -> None:
        """Add a version with its labels, which leave the versions that had them; the first is always current."""
        self.versions[version.id] = version
        wanted = stages if self.labelled(CURRENT) else [*dict.fromkeys([*stages, CURRENT])]
        for stage in wanted:
            self.move(stage, version)

    def move(self, stage: str, version: Version) -> None:
        """Move a label to a version. AWSPREVIOUS follows the version that was current; an abandoned one has none."""
        former = self.labelled(stage)
        if former is version:
            return
        if former:
            former.stages.remove(stage)
        version.stages.append(stage)
        if stage == CURRENT and former:
            self.move(PREVIOUS, former)
        if stage == CURRENT and PREVIOUS in version.stages:
            version.stages.remove(PREVIOUS)

    def find(self, version_id: str | None, stage: str | None) -> Version:
        """The version by id, by label or by both; raises in AWS's words."""
        if version_id:
            found = self.versions.get(version_id)
            if found is None or (stage and stage not in found.stages):
                raise NotFoundError(
                    f"Secrets Manager can't find the specified secret value for VersionId: {version_id}"
                )
        else:
            found = self.labelled(stage or CURRENT)
        if found is None or not found.has_value:
            raise NotFoundError(
                f"Secrets Manager can't find the specified secret value for staging label: {stage or CURRENT}"
            )
        return found

    def refuse_when_deleted(self) -> None:
        """Nothing but restoring is allowed meanwhile."""
        if self.deletion:
            raise InvalidRequestError(
                "You can't perform this operation on the secret because it was marked for deletion."
            )

    def refuse_on_replica(self) -> None:
        """A replica is changed through its primary."""
        if self.primary_region:
            raise InvalidRequestError(
                "Operation not permitted on a replica secret. Call must be made in primary secret's region."
            )

    def described(self) -> dict[str, Any]:
        """What DescribeSecret and ListSecrets give."""
        accessed = [version.accessed for version in self.versions.values() if version.accessed]
        shown: dict[str, Any] = {
            "ARN": self.arn,
            "Name": self.name,
            "Description": self.description,
            "KmsKeyId": self.key,
            "LastChangedDate": self.changed,
            "LastAccessedDate": max(accessed, default=None),
            "DeletedDate": self.deletion,
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()] or None,
            "CreatedDate": self.created,
            "PrimaryRegion": self.primary_region or (self.region if self.replicas else None),
            **self._rotation(),
        }
        return {name: value for name, value in shown.items() if value is not None}

    def matches(self, wanted: dict[str, Any]) -> bool:
        """Whether a filter of ListSecrets lets it through: texts are matched from their beginning, `!` excludes."""
        key = wanted["Key"]
        texts = {
            "name": [self.name],
            "description": [self.description or ""],
            "tag-key": list(self.tags),
            "tag-value": list(self.tags.values()),
            "primary-region": [self.primary_region or self.region],
            "owning-service": [],
        }
        if key != "all" and key not in texts:
            raise ServiceError(f"The filter {key} is not valid", code="ValidationException")
        among = texts[key] if key != "all" else [text for each in texts.values() for text in each]
        wishes = [(value.removeprefix("!"), value.startswith("!")) for value in wanted["Values"]]
        return any(any(text.startswith(value) for text in among) != is_not for value, is_not in wishes)

    def _rotation(self) -> dict[str, Any]:
        rotation = self.rotation
        if rotation.function is None:
            return {}
        return {
            "RotationEnabled": rotation.is_enabled,
            "RotationLambdaARN": rotation.function,
            "RotationRules": rotation.rules or None,
            "LastRotatedDate": rotation.last,
            "NextRotationDate": rotation.due,
        }


def short(secret: Secret, version: Version | None) -> dict[str, Any]:
    """What most operations answer."""
    return {"ARN": secret.arn, "Name": secret.name, "VersionId": version.id if version else None}


def paged(items: list[Any], size: int, token: str | None) -> tuple[list[Any], str | None]:
    """One page of a list, and the token of the next."""
    start = int(token or 0)
    end = start + size
    return items[start:end], str(end) if end < len(items) else None
