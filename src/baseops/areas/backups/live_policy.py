"""The drill of policies: the live policy is enabled and the declared one, and its role may do what the policy asks.

What the role may do is evaluated, not tried: a copy that fails for want of a grant would be noticed a day too late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from baseops.areas.backups.freeze import document_name, freeze_document
from baseops.areas.backups.policies import copy_policy, description, snapshot_policy
from baseops.areas.backups.role_rights import missing_rights
from baseops.areas.backups.sources import policies
from baseops.aws.errors import translated
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.resources import to_json
from baseops.contract.drill import DrillContext, Evidence, proven, refuted
from baseops.contract.template import Source
from baseops.semantics.live_values import differences

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Entry

WRITTEN_BACK = {"CopyTags": False, "PolicyLanguage": "STANDARD", "ResourceLocations": ["CLOUD"], "Location": "CLOUD"}
"""What DLM fills in where a policy leaves it out."""

# Any: what botocore answers, and properties of many types.
Described = Mapping[str, Any]


def prove_policies(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """By target: the policy itself, then its role."""
    for name, entry in entries.items():
        short = name.partition(".")[2]
        live = find_policy(short, ctx)
        if live is None:
            yield refuted(name, f"there is no policy described as {description(ctx.site, short)!r}")
            continue
        wrong = list(_faults(short, entry, live, ctx))
        if wrong:
            yield refuted(name, f"{live['PolicyId']}: {'; '.join(wrong)}")
        else:
            yield proven(name, f"{live['PolicyId']} is as declared")
        yield _role(name, entry, live, ctx)


def find_policy(name: str, ctx: DrillContext) -> Described | None:
    """The live policy of a backup. AWS calls: dlm:GetLifecyclePolicies, dlm:GetLifecyclePolicy."""
    wanted = description(ctx.site, name)
    listed = policies(ctx.clients, ctx.site.region)
    found = next((each["PolicyId"] for each in listed if each.get("Description") == wanted), None)
    if found is None:
        return None
    with translated(f"cannot read the policy {found}"):
        policy: Described = ctx.clients.client("dlm", ctx.site.region).get_lifecycle_policy(PolicyId=found)["Policy"]
    return policy


def _faults(name: str, entry: Entry, live: Described, ctx: DrillContext) -> Iterator[str]:
    wanted = "ENABLED" if entry.enabled else "DISABLED"
    if live["State"] != wanted:
        message = f" ({live['StatusMessage']})" if live.get("StatusMessage") else ""
        yield f"its state is {live['State']}{message}, not {wanted}"
    wrong = list(differences(_declared(name, entry, ctx), live["PolicyDetails"], WRITTEN_BACK))
    if wrong:
        yield f"it differs from the declaration in {', '.join(wrong[:8])}"


class _Resolving(StackBuilder):
    """A stack in which what other stacks give is its value."""

    def __init__(self, ctx: DrillContext) -> None:
        super().__init__("backups", ctx.site)
        self._value: Callable[[Source], str] = ctx.value

    def use(self, source: Source) -> Any:
        return self._value(source)


def _declared(name: str, entry: Entry, ctx: DrillContext) -> Any:
    """The policy's details as the stack declares them, with names and ARNs as they are in the account."""
    stack = _Resolving(ctx)
    if entry.receive is not None:
        policy = copy_policy(name, entry, entry.receive, "", stack, ctx.refs)
        return to_json(policy)["Properties"]["PolicyDetails"]  # type: ignore[index, call-overload]  # JSON of ours
    frozen = {
        plan_name: freeze_document(ctx.site, name, plan_name, plan.scripts)
        for plan_name, plan in entry.plans.items()
        if plan.scripts and plan.scripts.freeze
    }
    policy = snapshot_policy(name, entry, "", stack, ctx.refs, frozen)
    titles = {str(document.title): document_name(ctx.site, name, plan) for plan, document in frozen.items()}
    return _without_refs(to_json(policy)["Properties"]["PolicyDetails"], titles)  # type: ignore[index, call-overload]


def _without_refs(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"Ref"}:
            return names.get(value["Ref"], value["Ref"])
        return {key: _without_refs(each, names) for key, each in value.items()}
    return [_without_refs(each, names) for each in value] if isinstance(value, list) else value


def _role(name: str, entry: Entry, live: Described, ctx: DrillContext) -> Evidence:
    missing = missing_rights(entry, str(live["ExecutionRoleArn"]), ctx)
    target, role = f"{name}/role", str(live["ExecutionRoleArn"]).rpartition("/")[2]
    if missing:
        return refuted(target, f"{role} may not {'; '.join(missing[:6])}", method="evaluated")
    said = f"{role} may do what the policy asks of it, as far as policies of an organisation do not forbid it"
    return proven(target, said, method="evaluated")
