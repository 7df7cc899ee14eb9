"""Who a caller is to IAM: identity policies, boundary and session policies, as moto's IAM and STS hold them.

IAM is eventually consistent: what is changed takes effect some seconds later, deterministically so here
(https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from baseops.sandbox import principals
from baseops.semantics.policies import MalformedPolicyError, Policies, Policy, Principal

PROPAGATION = timedelta(seconds=10)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Identity:
    """What IAM knows of a user or role. Documents are JSON as IAM stores them; `trust` is a role's own policy."""

    arn: str
    unique_id: str = ""
    documents: tuple[tuple[str, str], ...] = ()
    boundary: str | None = None
    trust: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def policies(self) -> Policies:
        """Its policies; one that cannot be read allows nothing."""
        identity = tuple(parsed(document, name) for name, document in self.documents)
        boundary = None if self.boundary is None else parsed(self.boundary, "permissions boundary")
        return Policies(identity=identity, boundary=boundary)


@lru_cache(4096)
def parsed(document: str, name: str) -> Policy:
    """A policy document, read once; one that IAM would refuse has no statements."""
    try:
        return Policy.parse(json.loads(document), name)
    except (MalformedPolicyError, ValueError, AttributeError):
        return Policy(name, ())


class Identities:
    """What IAM knew of everybody at which time."""

    def __init__(self) -> None:
        self._history: dict[str, list[tuple[datetime, Identity | None]]] = {}

    def begin(self) -> None:
        """Take all that is there as being in effect."""
        self._history = {one.arn: [(_LONG_AGO, one)] for one in _everybody()}

    def look(self, now: datetime) -> None:
        """Note what changed; called after each change of IAM."""
        current = {one.arn: one for one in _everybody()}
        for arn in {*current, *self._history}:
            known = self._history.setdefault(arn, [])
            if (known[-1][1] if known else None) != current.get(arn):
                known.append((now, current.get(arn)))

    def at(self, arn: str, now: datetime) -> Identity | None:
        """What is in effect of a user or role; None when IAM does not know it (yet, or any more)."""
        found = None
        for since, identity in self._history.get(arn, []):
            if since <= now - PROPAGATION or since == _LONG_AGO:
                found = identity
        return found


def semantic(caller: principals.Principal, identity: Identity | None) -> Principal:
    """The caller as the evaluation knows principals."""
    unique_id = identity.unique_id if identity else caller.user_id.partition(":")[0]
    known = Principal.parse(caller.arn, unique_id=unique_id)
    return replace(known, role_arn=caller.role_arn) if caller.role_arn else known


def session_documents(access_key: str) -> tuple[tuple[str, str], ...] | None:
    """The policies that were passed when a session was made; None when there were none."""
    for partitions in list(sts_backends.values()):
        for backend in list(partitions.values()):
            session = backend.get_assumed_role_from_access_key(access_key)
            if session:
                return _session_documents(session)
    return None


def _session_documents(session: Any) -> tuple[tuple[str, str], ...] | None:
    found = [("session policy", str(session.policy))] if session.policy else []
    for arn in getattr(session, "sandbox_policy_arns", ()):
        document = managed_document(session.account_id, arn)
        found.append((arn, document or "{}"))
    return tuple(found) or None


def managed_document(account_id: str, arn: str) -> str | None:
    """The default version of a managed policy."""
    policy = iam_backends[account_id]["aws"].managed_policies.get(arn)
    return None if policy is None else _default_document(policy)


# Any from here: moto's users, roles, groups and policies carry no types.
def _everybody() -> Iterator[Identity]:
    for account_id, partitions in list(iam_backends.items()):
        for backend in list(partitions.values()):
            for role in list(backend.roles.values()):
                yield _identity(account_id, role, [role], trust=role.assume_role_policy_document or "")
            for user in list(backend.users.values()):
                groups = [group for group in backend.groups.values() if user in group.users]
                yield _identity(account_id, user, [user, *groups])


def _identity(account_id: str, owner: Any, holders: list[Any], trust: str = "") -> Identity:
    documents = [pair for holder in holders for pair in _documents(holder)]
    boundary_arn = getattr(owner, "permissions_boundary_arn", None)
    boundary = (managed_document(account_id, boundary_arn) or "{}") if boundary_arn else None
    tags = {tag["Key"]: tag["Value"] for tag in _listed(getattr(owner, "tags", None))}
    return Identity(owner.arn, owner.id, tuple(documents), boundary, _text(trust), tags)


def _documents(holder: Any) -> Iterator[tuple[str, str]]:
    for name, document in sorted(holder.policies.items()):
        yield name, _text(document)
    for arn, policy in sorted(holder.managed_policies.items()):
        yield arn, _default_document(policy)


def _listed(tags: Any) -> list[Any]:
    return list(tags.values()) if isinstance(tags, dict) else list(tags or [])


def _default_document(policy: Any) -> str:
    for version in policy.versions:
        if version.version_id == policy.default_version_id:
            return _text(version.document)
    return "{}"


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)
