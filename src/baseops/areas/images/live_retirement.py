"""The drill of retirement: the live lifecycle policy is enabled and the declared one, and its role is there for it.

A policy that is disabled keeps every AMI and its cost; one that was changed may delete what is still in use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from baseops.areas.images import retirement, roles, sources
from baseops.areas.images.names import image_name
from baseops.aws.errors import translated
from baseops.cloudformation.resources import to_json
from baseops.contract.drill import DrillContext, Evidence, proven, refuted
from baseops.errors import NotFoundError
from baseops.semantics.live_values import differences

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Section

# Any: what botocore answers, and properties of many types.
Described = Mapping[str, Any]

COMPARED = ("policyDetails", "resourceSelection", "resourceType")


def retired(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Evidence for every image that retires: the policy itself, then its role."""
    for name, entry in section.managed.items():
        if not entry.retire:
            continue
        target, policy = f"images.{name}", image_name(ctx.site, name)
        live = sources.lifecycle_policy(ctx.clients, ctx.site.region, policy)
        if live is None:
            yield refuted(target, f"there is no lifecycle policy {policy}")
            continue
        wrong = list(_faults(name, entry, live, ctx))
        yield refuted(target, f"{policy}: {'; '.join(wrong)}") if wrong else proven(target, f"{policy} is as declared")
        yield _role(f"{target}/role", str(live["executionRole"]).rpartition("/")[2], ctx)


def _faults(name: str, entry: Entry, live: Described, ctx: DrillContext) -> Iterator[str]:
    if live["status"] != "ENABLED":
        yield f"its status is {live['status']}, not ENABLED"
    wrong = list(differences(_compared(_declared(name, entry, ctx)), _compared(live), {}))
    if wrong:
        yield f"it differs from the declaration in {', '.join(wrong[:8])}"


def _compared(policy: Described) -> Described:
    """Its rules, which are one for each action, in any order, and what they are for."""
    rules = sorted(policy["policyDetails"], key=lambda each: str(each["action"]["type"]))
    return {**{key: policy.get(key) for key in COMPARED}, "policyDetails": rules}


def _declared(name: str, entry: Entry, ctx: DrillContext) -> Described:
    """The policy's properties as the stack declares them, by the names of Image Builder's API."""
    policy = retirement.policy(name, entry, roles.lifecycle_role([entry]), ctx.refs)
    found: Described = _by_api_names(to_json(policy)["Properties"])
    return found


def _by_api_names(value: Any) -> Any:
    """CloudFormation's names begin with a capital; keys of tags stay as they are."""
    if isinstance(value, Mapping):
        return {
            key[:1].lower() + key[1:]: each if key == "TagMap" else _by_api_names(each) for key, each in value.items()
        }
    return [_by_api_names(each) for each in value] if isinstance(value, list) else value


def _role(target: str, name: str, ctx: DrillContext) -> Evidence:
    """Whether the role is there and has AWS's own policy for this, with which the stack makes it.

    https://docs.aws.amazon.com/imagebuilder/latest/userguide/image-lifecycle-prerequisites.html
    """
    iam, wanted = ctx.clients.client("iam"), roles.LIFECYCLE_POLICY
    try:
        with translated(f"cannot read the policies of the role {name}"):
            pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
            attached = [each["PolicyArn"] for page in pages for each in page["AttachedPolicies"]]
    except NotFoundError:
        return refuted(target, f"there is no role {name}, so nothing is retired")
    if not any(each.endswith(f":aws:policy/{wanted}") for each in attached):
        return refuted(target, f"{name} lacks {wanted.rpartition('/')[2]}, so nothing is retired")
    return proven(target, f"{name} has {wanted.rpartition('/')[2]}")
