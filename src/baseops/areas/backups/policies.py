"""A declared backup as AWS::DLM::LifecyclePolicy.

What DLM would write back by itself (times, policy type, locations) is said here, so that drift stays empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from troposphere import Ref, Tags, dlm, ssm

from baseops.areas.backups.snapshot_tags import snapshot_tags
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.resources import logical_id
from baseops.contract.refs import Refs
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.backups.spec.plan import Archive, Copy, FastRestore, Plan, Retain, Scripts, Share, Timing
    from baseops.areas.backups.spec.section import Entry, Receive

SHARED_FOR = timedelta(days=7)
"""How long a snapshot stays shared with an account that copies it, unless `share` says otherwise."""


def description(site: Site, name: str) -> str:
    """By which a person, a preflight and a drill find the policy; DLM gives policies no name."""
    return f"{site.prefix} backups {name}"


def policy_title(name: str) -> str:
    """The logical id of a backup's policy."""
    return logical_id(name, "Policy")


def snapshot_policy(
    name: str, entry: Entry, role_arn: Any, stack: StackBuilder, refs: Refs, documents: Mapping[str, ssm.Document]
) -> dlm.LifecyclePolicy:
    """The policy of a backup that makes snapshots; `documents` are ours, by schedule."""
    if entry.target is None:
        raise ValueError(f"backup {name} makes no snapshots")
    schedules = [
        _schedule(plan_name or name, name, plan, stack, refs, documents.get(plan_name))
        for plan_name, plan in entry.plans.items()
    ]
    details = dlm.PolicyDetails(
        PolicyType="EBS_SNAPSHOT_MANAGEMENT",
        ResourceTypes=[entry.target.resource.upper()],
        ResourceLocations=["CLOUD"],
        TargetTags=_tags(entry.target.tags),
        Schedules=schedules,
        **_parameters(entry),
    )
    return _policy(name, entry, refs.site, role_arn, details)


def copy_policy(
    name: str, entry: Entry, receive: Receive, role_arn: Any, stack: StackBuilder, refs: Refs
) -> dlm.LifecyclePolicy:
    """The policy that copies what other accounts share.

    https://docs.aws.amazon.com/ebs/latest/userguide/event-policy.html
    """
    details = dlm.PolicyDetails(
        PolicyType="EVENT_BASED_POLICY",
        EventSource=dlm.EventSource(
            Type="MANAGED_CWE",
            Parameters=dlm.EventParameters(
                EventType="shareSnapshot",
                SnapshotOwner=sorted(receive.accounts),
                DescriptionRegex=receive.description,
            ),
        ),
        Actions=[
            dlm.Action(
                Name=name,
                CrossRegionCopy=[
                    dlm.CrossRegionCopyAction(
                        Target=copy.region,
                        EncryptionConfiguration=dlm.EncryptionConfiguration(
                            Encrypted=True, CmkArn=copy_key(copy, stack, refs)
                        ),
                        RetainRule=dlm.CrossRegionCopyRetainRule(**_days(copy.retain)),
                    )
                    for copy in entry.copies
                ],
            )
        ],
    )
    return _policy(name, entry, refs.site, role_arn, details)


def copy_key(copy: Copy, stack: StackBuilder, refs: Refs) -> Any:
    """The key of a copy: never aws/ebs, under which a snapshot could not be shared when it is needed."""
    return copy.key or stack.use(refs.key("backups", copy.region))


def _policy(name: str, entry: Entry, site: Site, role_arn: Any, details: dlm.PolicyDetails) -> dlm.LifecyclePolicy:
    return dlm.LifecyclePolicy(
        policy_title(name),
        Description=description(site, name),
        State="ENABLED" if entry.enabled else "DISABLED",
        ExecutionRoleArn=role_arn,
        PolicyDetails=details,
    )


def _parameters(entry: Entry) -> dict[str, Any]:
    exclude = entry.exclude
    if entry.target is None or entry.target.resource == "volume":
        return {}
    tags = {"ExcludeDataVolumeTags": Tags(dict(exclude.data_volume_tags))} if exclude.data_volume_tags else {}
    return {"Parameters": dlm.Parameters(ExcludeBootVolume=exclude.boot_volume, **tags)}


def _schedule(
    schedule_name: str, name: str, plan: Plan, stack: StackBuilder, refs: Refs, document: ssm.Document | None
) -> dlm.Schedule:
    regional = [copy for copy in plan.copies if not copy.account]
    more: dict[str, Any] = {
        "CrossRegionCopyRules": [_copy_rule(copy, stack, refs) for copy in regional],
        "FastRestoreRule": _fast_restore(plan.fast_restore) if plan.fast_restore else None,
        "ShareRules": _share_rules(plan, plan.share),
        "ArchiveRule": _archive_rule(plan.archive) if plan.archive else None,
        "VariableTags": Tags(dict(plan.variable_tags)) if plan.variable_tags else None,
    }
    return dlm.Schedule(
        Name=schedule_name,
        CreateRule=dlm.CreateRule(**_create_rule(plan.schedule), **_scripts(plan.scripts, document)),
        RetainRule=dlm.RetainRule(**_kept(plan.retain)),
        TagsToAdd=_tags(snapshot_tags(refs.site, name, plan.tags)),
        CopyTags=plan.copy_tags,
        **{key: value for key, value in more.items() if value},
    )


def _create_rule(timing: Timing) -> dict[str, Any]:
    if timing.cron is not None:
        return {"CronExpression": f"cron({timing.cron})", "Location": "CLOUD"}
    hours = (timing.interval or timedelta()) // timedelta(hours=1)
    return {"Interval": hours, "IntervalUnit": "HOURS", "Times": [timing.time], "Location": "CLOUD"}


def _scripts(scripts: Scripts | None, document: ssm.Document | None) -> dict[str, Any]:
    if scripts is None:
        return {}
    script = dlm.Script(
        ExecutionHandler=Ref(document) if document is not None else scripts.document,
        Stages=list(scripts.stages),
        ExecutionTimeout=int(scripts.timeout.total_seconds()),
        MaximumRetryCount=scripts.retries,
        ExecuteOperationOnScriptFailure=scripts.on_failure == "snapshot",
        # VSS backups leave the service out. https://docs.aws.amazon.com/dlm/latest/APIReference/API_Script.html
        **({} if scripts.document == "AWS_VSS_BACKUP" else {"ExecutionHandlerService": "AWS_SYSTEMS_MANAGER"}),
    )
    return {"Scripts": [script]}


def _kept(retain: Retain) -> dict[str, Any]:
    return {"Count": retain.count} if retain.age is None else _days(retain.age)


def _days(age: timedelta) -> dict[str, Any]:
    return {"Interval": age // timedelta(days=1), "IntervalUnit": "DAYS"}


def _copy_rule(copy: Copy, stack: StackBuilder, refs: Refs) -> dlm.CrossRegionCopyRule:
    # Copies keep their snapshot's tags: with an arbitrary volume id, nothing else says whose copy they are.
    return dlm.CrossRegionCopyRule(
        Target=copy.region,
        Encrypted=True,
        CmkArn=copy_key(copy, stack, refs),
        CopyTags=True,
        RetainRule=dlm.CrossRegionCopyRetainRule(**_days(copy.retain)),
    )


def _fast_restore(fast: FastRestore) -> dlm.FastRestoreRule:
    amount = {"Count": fast.count} if fast.age is None else _days(fast.age)
    return dlm.FastRestoreRule(AvailabilityZones=list(fast.zones), **amount)


def _share_rules(plan: Plan, share: Share | None) -> list[dlm.ShareRule]:
    copying = {copy.account for copy in plan.copies if copy.account}
    accounts = sorted(copying | set(share.accounts if share else ()))
    if not accounts:
        return []
    unshare = share.unshare_after if share else SHARED_FOR
    interval = _days(unshare) if unshare else {}
    return [dlm.ShareRule(TargetAccounts=accounts, **{f"Unshare{key}": value for key, value in interval.items()})]


def _archive_rule(archive: Archive) -> dlm.ArchiveRule:
    kept = archive.retain
    amount = {"Count": kept.count} if kept.age is None else _days(kept.age)
    return dlm.ArchiveRule(RetainRule=dlm.ArchiveRetainRule(RetentionArchiveTier=dlm.RetentionArchiveTier(**amount)))


def _tags(tags: Mapping[str, str]) -> list[Any]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
