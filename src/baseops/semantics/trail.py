"""Who read a secret or parameter, through which API, out of CloudTrail's records; it fetches none.

The service's own event is what counts. KMS's Decrypt, made in the reader's name, only adds which version it was: the
two are not one to one. BatchGetSecretValue writes a GetSecretValue for each secret, so it is not counted itself.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-cloudtrail-logs.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

SECRET_EVENTS = ("GetSecretValue",)
PARAMETER_EVENTS = ("GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory")
_SOURCES = {"secretsmanager.amazonaws.com": SECRET_EVENTS, "ssm.amazonaws.com": PARAMETER_EVENTS}
# KMS is asked while the read is answered; times in records are whole seconds.
_NEAR = timedelta(seconds=2)

# Any: a record is JSON of CloudTrail's own shape.
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """What is read: a secret or a parameter, by its ARN. Parameters of one account and region have one ARN each."""

    arn: str

    @property
    def kind(self) -> Literal["secret", "parameter"]:
        """Which of the two."""
        return "parameter" if ":ssm:" in self.arn else "secret"

    @property
    def name(self) -> str:
        """Its name; a secret's without the six characters that Secrets Manager adds."""
        if self.kind == "secret":
            return self.arn.split(":", 6)[6][:-7]
        path = self.arn.partition(":parameter/")[2]
        return f"/{path}" if "/" in path else path

    @property
    def events(self) -> tuple[str, ...]:
        """The names of the events that may be a read of it."""
        return SECRET_EVENTS if self.kind == "secret" else PARAMETER_EVENTS


@dataclass(frozen=True)
class Read:
    """One value read, or refused to be. `asked` is what the caller typed: a name, an ARN or a path.

    `principal` is the user, role or service; `session` the ARN that made the call. `version` is known where the
    caller named it, or KMS tells.
    """

    event_id: str
    api: str
    when: datetime
    asked: str
    principal: str
    session: str
    address: str
    region: str
    is_recursive: bool = False
    error: str = ""
    version: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether nothing was given out."""
        return bool(self.error)

    def is_of(self, target: Target) -> bool:
        """Whether this is a read of the target, however the caller named it."""
        if self.api in SECRET_EVENTS:
            names = {target.arn, target.arn[:-7], target.name}
            return target.kind == "secret" and self.asked in names
        if target.kind != "parameter":
            return False
        return (
            self._is_path_to(target) if self.api == "GetParametersByPath" else _plain(self.asked) == _plain(target.arn)
        )

    def _is_path_to(self, target: Target) -> bool:
        path = _plain(self.asked)
        name = _plain(target.name)
        parent = name.rpartition("/")[0]
        return path == parent or (self.is_recursive and (not path or name.startswith(f"{path}/")))


@dataclass(frozen=True)
class KeyRead:
    """KMS's record of a decryption for a secret or parameter: corroborates a read, and tells a secret's version."""

    when: datetime
    session: str
    arn: str
    version: str = ""


def reads(records: Iterable[Record]) -> Iterator[Read]:
    """Every read in the records, one for each name that a call asked for; refusals with their error."""
    for record in records:
        if record.get("eventName") in _SOURCES.get(str(record.get("eventSource")), ()):
            yield from _reads_of(record)


def key_reads(records: Iterable[Record]) -> Iterator[KeyRead]:
    """Every decryption that Secrets Manager or Parameter Store had KMS do in a caller's name."""
    for record in records:
        context = (record.get("requestParameters") or {}).get("encryptionContext") or {}
        arn = context.get("SecretARN") or context.get("PARAMETER_ARN")
        if record.get("eventName") == "Decrypt" and arn and not record.get("errorCode"):
            yield KeyRead(_time(record), _session(record), str(arn), str(context.get("SecretVersionId") or ""))


def with_versions(found: Iterable[Read], decryptions: Iterable[KeyRead]) -> Iterator[Read]:
    """The reads, with the version where KMS's records leave no doubt which it was."""
    known = list(decryptions)
    for read in found:
        versions = {
            each.version
            for each in known
            if each.version
            and each.session == read.session
            and abs(each.when - read.when) <= _NEAR
            and read.is_of(Target(each.arn))
        }
        yield replace(read, version=versions.pop()) if not read.version and len(versions) == 1 else read


def _reads_of(record: Record) -> Iterator[Read]:
    asked = record.get("requestParameters") or {}
    names = asked.get("names") or [asked[each] for each in ("secretId", "name", "path") if asked.get(each)]
    # What IAM refuses has no parameters: the resource stands in the message alone.
    for name in names or _refused_resources(str(record.get("errorMessage") or "")) or [""]:
        yield Read(
            event_id=str(record["eventID"]),
            api=str(record["eventName"]),
            when=_time(record),
            asked=str(name),
            principal=_principal(record),
            session=_session(record),
            address=str(record.get("sourceIPAddress") or ""),
            region=str(record.get("awsRegion") or ""),
            is_recursive=bool(asked.get("recursive")),
            error=str(record.get("errorCode") or ""),
            version=str(asked.get("versionId") or ""),
        )


def _refused_resources(message: str) -> list[str]:
    return re.findall(r"on resource: (\S+)", message)


def _principal(record: Record) -> str:
    """The role behind a session, else who called; for a service its name."""
    who = record.get("userIdentity") or {}
    issuer = (who.get("sessionContext") or {}).get("sessionIssuer") or {}
    return str(issuer.get("arn") or who.get("arn") or who.get("invokedBy") or who.get("accountId") or "")


def _session(record: Record) -> str:
    who = record.get("userIdentity") or {}
    return str(who.get("arn") or who.get("invokedBy") or "")


def _time(record: Record) -> datetime:
    return datetime.fromisoformat(str(record["eventTime"]))


def _plain(name: str) -> str:
    """A parameter's name or path as it is compared: without ARN, version, label, and slashes at its ends."""
    text = name.partition(":parameter")[2] if name.startswith("arn:") else name
    return text.partition(":")[0].strip("/")
