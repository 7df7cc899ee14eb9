"""GetAccountAuthorizationDetails in pages, as AWS gives it: who does not ask for the next page misses roles.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from baseops.sandbox.service import Members, ServiceError, extend

PAGE = 100
_KINDS = {"User": "UserDetailList", "Group": "GroupDetailList", "Role": "RoleDetailList"}

# Any throughout: moto's users, roles and policies carry no types.
Item = tuple[str, Members]


def get_account_authorization_details(
    backend: Any,
    filter: list[str] | None = None,  # noqa: A002  # AWS's name
    max_items: int = PAGE,
    marker: str | None = None,
) -> Members:
    """One page over users, groups, roles and policies together."""
    wanted = set(filter or ("User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"))
    start = _offset(marker)
    items = list(_items(backend, wanted))
    page, end = items[start : start + max_items], start + max_items
    lists = {name: [member for kind, member in page if kind == name] for name in (*_KINDS.values(), "Policies")}
    more = {"IsTruncated": True, "Marker": f"marker-{end}"} if end < len(items) else {"IsTruncated": False}
    return {**lists, **more}


def _offset(marker: str | None) -> int:
    number = (marker or "marker-0").removeprefix("marker-")
    if not number.isdigit():
        raise ServiceError("Invalid Marker.", code="ValidationError")
    return int(number)


def _items(backend: Any, wanted: set[str]) -> Iterator[Item]:
    if "User" in wanted:
        yield from (("UserDetailList", _user(backend, each)) for each in backend.users.values())
    if "Group" in wanted:
        yield from (("GroupDetailList", _group(each)) for each in backend.groups.values())
    if "Role" in wanted:
        yield from (("RoleDetailList", _role(backend, each)) for each in backend.roles.values())
    for policy in backend.managed_policies.values():
        kind = "AWSManagedPolicy" if ":iam::aws:" in policy.arn else "LocalManagedPolicy"
        if kind in wanted and (kind == "LocalManagedPolicy" or policy.attachment_count):
            yield "Policies", _policy(policy)


def _common(owner: Any, kind: str) -> dict[str, Any]:
    return {
        "Path": owner.path,
        f"{kind}Name": owner.name,
        f"{kind}Id": owner.id,
        "Arn": owner.arn,
        "CreateDate": owner.create_date,
        f"{kind}PolicyList": [
            {"PolicyName": name, "PolicyDocument": _quoted(document)} for name, document in owner.policies.items()
        ],
        "AttachedManagedPolicies": owner.attached_managed_policies,
    }


def _user(backend: Any, user: Any) -> Members:
    groups = [group.name for group in backend.groups.values() if user in group.users]
    return {**_common(user, "User"), "GroupList": groups, "Tags": _tags(getattr(user, "tags", None))}


def _group(group: Any) -> Members:
    return _common(group, "Group")


def _role(backend: Any, role: Any) -> Members:
    profiles = [each for each in backend.instance_profiles.values() if role in each.roles]
    used = {"LastUsedDate": role.last_used, "Region": role.last_used_region} if role.last_used else {}
    return {
        **_common(role, "Role"),
        "AssumeRolePolicyDocument": _quoted(role.assume_role_policy_document),
        "InstanceProfileList": [_profile(each) for each in profiles],
        "PermissionsBoundary": role.permissions_boundary,
        "Tags": _tags(role.tags),
        "RoleLastUsed": used,
    }


def _profile(profile: Any) -> Members:
    return {
        "Path": profile.path,
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.id,
        "Arn": profile.arn,
        "CreateDate": profile.create_date,
        "Roles": [
            {
                "Path": role.path,
                "RoleName": role.name,
                "RoleId": role.id,
                "Arn": role.arn,
                "CreateDate": role.create_date,
                "AssumeRolePolicyDocument": _quoted(role.assume_role_policy_document),
            }
            for role in profile.roles
        ],
    }


def _policy(policy: Any) -> Members:
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version_id,
        "AttachmentCount": policy.attachment_count,
        "IsAttachable": True,
        "CreateDate": policy.create_date,
        "UpdateDate": policy.update_date,
        "PolicyVersionList": [
            {
                "Document": _quoted(version.document),
                "VersionId": version.version_id,
                "IsDefaultVersion": version.version_id == policy.default_version_id,
                "CreateDate": version.create_date,
            }
            for version in policy.versions
        ],
    }


def _quoted(document: Any) -> str:
    return quote(document if isinstance(document, str) else json.dumps(document))


def _tags(tags: Any) -> list[Any]:
    return list(tags.values()) if isinstance(tags, dict) else list(tags or [])


extend("iam", "GetAccountAuthorizationDetails", get_account_authorization_details)
