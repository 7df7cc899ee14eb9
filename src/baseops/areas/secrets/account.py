"""What only the account knows of secrets: roles, names that are blocked, functions, networks, values still to be put.

Describe and list calls only; no value is ever read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from baseops.areas.secrets import access, reach
from baseops.areas.secrets.rotation import POSTGRES_SINGLE_USER
from baseops.areas.secrets.wording import Path, error, warning
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding, Severity
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.errors import NotFoundError
from baseops.semantics.roles import Role, at_home, role_of

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Section

Described = dict[str, Any]
# Any: what AWS describes.


def complete_lock(section: Section, lock: Lock, clients: Clients) -> Lock:  # noqa: ARG001  # the protocol's signature
    """The lock as it is: what secrets freeze is known from the declaration alone."""
    return lock


def preflight(section: Section, site: Site, clients: Clients) -> list[Finding]:
    """What stands in the way: missing roles, full policies, blocked names, functions that cannot be called."""
    found = list(_roles(section, site, clients))
    for name, entry in section.entries.items():
        path: Path = ("secrets", name)
        found += _secret(path, entry, site, clients) if entry.secret else _parameter(path, entry, site, clients)
        found += _key(path, entry, site, clients)
        if entry.rotation and entry.rotation.function and entry.managed:
            found += _rotation(path, entry, site, clients)
    return found


def pending(section: Section, refs: Refs, clients: Clients) -> list[Finding]:
    """Values that a person has to put, first rotations that are still to come, replicas that failed."""
    found: list[Finding] = []
    for name, entry in section.entries.items():
        if not entry.managed:
            continue
        if entry.secret:
            found += _pending_secret(("secrets", name), entry, refs.site, clients)
        elif entry.kind == "SecureString" and _described_parameter(entry.name, refs.site, clients) is None:
            found.append(_unset(("secrets", name), entry))
    return found


# --- before apply ---


def _roles(section: Section, site: Site, clients: Clients) -> Iterator[Finding]:
    missing: set[str] = set()
    for name, entry in section.entries.items():
        for key in ("readers", "administrators"):
            for place, role in enumerate(map(role_of, getattr(entry, key))):
                if at_home(role, site.accounts) and role.name not in missing and not _exists(role, clients):
                    missing.add(role.name)
                    yield _missing_role(("secrets", name, key, place), role, entry, key)
    for policy in access.reader_policies(section, site):
        if policy.attach == "inline" and policy.role.name not in missing:
            yield from _full_role(policy, site, clients)


def _exists(role: Role, clients: Clients) -> bool:
    try:
        with translated(f"cannot look at {role.reference}"):
            clients.client("iam").get_role(RoleName=role.name)
    except NotFoundError:
        return False
    return True


def _missing_role(path: Path, role: Role, entry: Entry, key: str) -> Finding:
    is_needed = key == "readers" and entry.attach == "inline" and entry.managed
    return Finding(
        Severity.ERROR if is_needed else Severity.WARNING,
        "secrets.no-such-role",
        path,
        f"there is no IAM role {role.name} in this account",
        "Make it first, or correct the name.",
    )


def _full_role(policy: access.ReaderPolicy, site: Site, clients: Clients) -> Iterator[Finding]:
    """All inline policies of a role share one quota: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""
    client, name, own = clients.client("iam"), policy.role.name, f"{site.prefix}-secrets"
    with translated(f"cannot read the inline policies of {policy.role.reference}"):
        pages = client.get_paginator("list_role_policies").paginate(RoleName=name)
        others = [each for page in pages for each in page["PolicyNames"] if each != own]
        documents = [client.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in others]
    taken = sum(len("".join(json.dumps(each, separators=(",", ":")).split())) for each in documents)
    if taken + access.size(policy) > access.MAX_SIZE["inline"]:
        yield error(
            "role-is-full",
            ("secrets", policy.entries[0], "readers"),
            f"{policy.role.reference} has inline policies of {taken} characters; with the {access.size(policy)} for "
            f"secrets they would be more than the {access.MAX_SIZE['inline']} that IAM takes",
            "Write `attach: policy` for some entries, or clear out the role.",
        )


def _secret(path: Path, entry: Entry, site: Site, clients: Clients) -> Iterator[Finding]:
    found = _described_secret(entry.name, site, clients)
    if found and "DeletedDate" in found:
        yield error(
            "name-blocked",
            (*path, "secret"),
            f"the secret {entry.name} is being deleted and blocks its name until {found['DeletedDate']:%Y-%m-%d}",
            f"Run: aws secretsmanager restore-secret --secret-id {entry.name} (apply then takes it over)",
        )
    if found is None and not entry.managed:
        yield _not_there(path, "secret", entry)


def _parameter(path: Path, entry: Entry, site: Site, clients: Clients) -> Iterator[Finding]:
    found = _described_parameter(entry.name, site, clients)
    if found is None and not entry.managed:
        yield _not_there(path, "parameter", entry)
    if found and entry.managed and found["Type"] != entry.kind:
        yield error(
            "parameter-of-another-type",
            (*path, "parameter"),
            f"the parameter {entry.name} exists as a {found['Type']}, and a parameter's type cannot be changed",
            f"Write `type: {found['Type']}`, or delete it: aws ssm delete-parameter --name {entry.name}",
        )


def _not_there(path: Path, key: str, entry: Entry) -> Finding:
    return warning(
        "not-there",
        (*path, key),
        f"there is no {key} {entry.name}, and `managed: false` says that somebody else makes it",
        "Correct the name, or remove `managed: false`.",
    )


def _key(path: Path, entry: Entry, site: Site, clients: Clients) -> Iterator[Finding]:
    if entry.key is None:
        return
    try:
        with translated(f"cannot look at the key {entry.key}"):
            state = clients.client("kms", site.region).describe_key(KeyId=entry.key)["KeyMetadata"]["KeyState"]
    except NotFoundError:
        state = "missing"
    if state != "Enabled":
        yield error(
            "key-unusable",
            (*path, "key"),
            f"the key {entry.key} is {state}, and nothing can be encrypted under it",
            "Name a key that is enabled, or leave `key` out.",
        )


def _rotation(path: Path, entry: Entry, site: Site, clients: Clients) -> Iterator[Finding]:
    rotation = entry.rotation
    if rotation is None or rotation.function is None:
        return
    if rotation.function != POSTGRES_SINGLE_USER:
        yield from _function_of_others((*path, "rotation", "function"), rotation.function, site, clients)
    elif rotation.network:
        yield from reach.findings((*path, "rotation", "network"), rotation.network, site.region, clients)


def _function_of_others(path: Path, function: str, site: Site, clients: Clients) -> Iterator[Finding]:
    client = clients.client("lambda", site.region)
    try:
        with translated(f"cannot look at the function {function}"):
            client.get_function_configuration(FunctionName=function)
    except NotFoundError:
        yield error(
            "no-such-function",
            path,
            f"there is no Lambda function {function}",
            "Make it first, or correct its ARN.",
        )
        return
    if not _lets_secrets_manager_in(function, client):
        yield error(
            "function-not-callable",
            path,
            f"the policy of {function.split(':')[6]} does not let Secrets Manager call it",
            f"Run: aws lambda add-permission --function-name {function.split(':')[6]} --statement-id secretsmanager "
            "--action lambda:InvokeFunction --principal secretsmanager.amazonaws.com --source-account "
            f"{function.split(':')[4]}",
        )


def _lets_secrets_manager_in(function: str, client: Any) -> bool:
    try:
        with translated(f"cannot read the policy of {function}"):
            policy = json.loads(client.get_policy(FunctionName=function)["Policy"])
    except NotFoundError:
        return False
    return any("secretsmanager.amazonaws.com" in json.dumps(each.get("Principal")) for each in policy["Statement"])


# --- after apply ---


def _pending_secret(path: Path, entry: Entry, site: Site, clients: Clients) -> Iterator[Finding]:
    found = _described_secret(entry.name, site, clients)
    if found is None:
        return
    stages = [stage for each in found.get("VersionIdsToStages", {}).values() for stage in each]
    if "AWSCURRENT" not in stages:
        yield _unset((*path,), entry)
    if entry.rotation and "LastRotatedDate" not in found and "AWSCURRENT" in stages:
        yield _first_rotation(path, entry, found)
    for each in found.get("ReplicationStatus", []):
        if each["Status"] == "Failed":
            yield error(
                "replica-failed",
                (*path, "replicas"),
                f"the copy of {entry.name} in {each['Region']} failed: {each.get('StatusMessage', 'no reason given')}",
                "Clear what stands in its way there, then run: aws secretsmanager replicate-secret-to-regions",
            )


def _unset(path: Path, entry: Entry) -> Finding:
    return warning(
        "unset",
        path,
        f"{entry.name} has no value yet",
        f"Run: baseops secrets put {entry.name}",
    )


def _first_rotation(path: Path, entry: Entry, found: Described) -> Finding:
    due = f", due by {found['NextRotationDate']:%Y-%m-%d %H:%M} UTC" if "NextRotationDate" in found else ""
    more = ""
    if entry.generate and entry.rotation and entry.rotation.function == POSTGRES_SINGLE_USER:
        more = "; until then the database's user must have the generated password, or the function cannot log in"
    return Finding(
        Severity.NOTE,
        "secrets.not-rotated-yet",
        (*path, "rotation"),
        f"{entry.name} has not been rotated yet{due}{more}",
        f"Run: aws secretsmanager rotate-secret --secret-id {entry.name} (when nobody is hurt by it)",
    )


# --- what is read ---


def _described_secret(name: str, site: Site, clients: Clients) -> Described | None:
    try:
        with translated(f"cannot look at the secret {name}"):
            found: Described = clients.client("secretsmanager", site.region).describe_secret(SecretId=name)
    except NotFoundError:
        return None
    return found


def _described_parameter(name: str, site: Site, clients: Clients) -> Described | None:
    wanted = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    with translated(f"cannot look at the parameter {name}"):
        found: list[Described] = clients.client("ssm", site.region).describe_parameters(ParameterFilters=wanted)[
            "Parameters"
        ]
    return found[0] if found else None
