"""Alarms on a policy's own metrics, and rules on events: failed, missing, and a policy in error.

DLM publishes a policy's counts in AWS/EBS under the dimension DLMPolicyId
(https://docs.aws.amazon.com/ebs/latest/userguide/monitor-dlm-cw-metrics.html). They are sparse: hours without a
snapshot have no data point, so the dead-man alarms fill them with zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from troposphere import Ref, cloudwatch, dlm, events

from baseops.areas.backups.promises import LONGEST_ALARM
from baseops.cloudformation.parts import alarm, rule_to_topic
from baseops.cloudformation.resources import logical_id
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Entry

NAMESPACE = "AWS/EBS"
HOUR = timedelta(hours=1)
LONGEST_WARM_UP = timedelta(days=2)
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html"""


def policy_alarms(
    name: str, entry: Entry, policy: dlm.LifecyclePolicy, site: Site, topic: Any
) -> Iterator[cloudwatch.Alarm]:
    """What a backup's policy has to be watched for; nothing while it is disabled."""
    if not entry.enabled:
        return
    for word, metric, meaning in _failures(entry):
        yield alarm(
            logical_id(name, word, "Alarm"),
            name=alarm_name(site, name, word),
            topic=topic,
            AlarmDescription=f"Backup {name}: {meaning}",
            Namespace=NAMESPACE,
            MetricName=metric,
            Dimensions=_of(policy),
            Period=3600,
        )
    for word, metric, within in _absences(entry):
        yield _missing(name, word, metric, within, policy, site, topic)


def alarm_name(site: Site, name: str, word: str) -> str:
    """The name by which drills and people find an alarm."""
    return f"{site.prefix}-backups-{name}-{word}"


def _failures(entry: Entry) -> list[tuple[str, str, str]]:
    if entry.receive is not None:
        return [
            ("copy-failed", "SnapshotsCopiedAccountFailed", "a shared snapshot could not be copied for a day"),
            ("delete-failed", "SnapshotsCopiedAccountDeleteFailed", "a copy could not be deleted"),
        ]
    found = [
        ("failed", "SnapshotsCreateFailed", "a snapshot could not be made within an hour of its time"),
        ("delete-failed", "SnapshotsDeleteFailed", "a snapshot could not be deleted when its retention was over"),
    ]
    if entry.copies_here:
        found.append(("copy-failed", "SnapshotsCopiedRegionFailed", "a copy could not be made within a day"))
    if any(plan.scripts for plan in entry.plans.values()):
        found.append(("script-failed", "PreScriptFailed", "a pre script failed"))
        found.append(("post-script-failed", "PostScriptFailed", "a post script failed"))
    return found


def _absences(entry: Entry) -> list[tuple[str, str, timedelta]]:
    copied = "SnapshotsCopiedAccountCompleted" if entry.receive else "SnapshotsCopiedRegionCompleted"
    promised = (
        ("missing", "SnapshotsCreateCompleted", entry.promise.rpo),
        ("copy-missing", copied, entry.promise.copy_rpo),
    )
    return [(word, metric, within) for word, metric, within in promised if within and within <= LONGEST_ALARM]


def _missing(
    name: str, word: str, metric: str, within: timedelta, policy: dlm.LifecyclePolicy, site: Site, topic: Any
) -> cloudwatch.Alarm:
    """A dead-man alarm: it rings when `within` passes without one completed.

    Hours are zero where there is no data point: CloudWatch looks further back than the evaluation periods for real
    points, and would take an older success for a fresh one. A new policy has until its promise, two days at most.
    """
    hours = max(1, within // HOUR)
    fresh = [
        cloudwatch.MetricDataQuery(
            Id="completed",
            ReturnData=False,
            MetricStat=cloudwatch.MetricStat(
                Metric=cloudwatch.Metric(Namespace=NAMESPACE, MetricName=metric, Dimensions=_of(policy)),
                Period=3600,
                Stat="Sum",
            ),
        ),
        cloudwatch.MetricDataQuery(
            Id="hourly", Expression="FILL(completed, 0)", Label=f"{metric} in an hour", ReturnData=True
        ),
    ]
    return cloudwatch.Alarm(
        logical_id(name, word, "Alarm"),
        AlarmName=alarm_name(site, name, word),
        AlarmDescription=f"Backup {name}: nothing completed for {hours} hours",
        AlarmActions=[topic],
        OKActions=[topic],
        ComparisonOperator="LessThanThreshold",
        Threshold=1,
        EvaluationPeriods=hours,
        DatapointsToAlarm=hours,
        TreatMissingData="breaching",
        Metrics=fresh,
        WarmUpConfiguration=cloudwatch.WarmUpConfiguration(
            WarmUpPeriodDurationInMinutes=int(min(within, LONGEST_WARM_UP).total_seconds() // 60)
        ),
    )


def _of(policy: dlm.LifecyclePolicy) -> list[cloudwatch.MetricDimension]:
    return [cloudwatch.MetricDimension(Name="DLMPolicyId", Value=Ref(policy))]


def policy_error_rule(topic: Any) -> events.Rule:
    """Any policy of the region in the state ERROR, also one of somebody else's: all that DLM's own event tells.

    https://docs.aws.amazon.com/ebs/latest/userguide/monitor-cloudwatch-events.html
    """
    return rule_to_topic(
        "PolicyErrorRule",
        description="A backup policy is in error and makes no snapshots",
        pattern={
            "source": ["aws.dlm"],
            "detail-type": ["DLM Policy State Change"],
            "detail": {"state": ["ERROR"]},
        },
        topic=topic,
    )


def snapshot_failed_rule(topic: Any) -> events.Rule:
    """Any snapshot or copy of the region that failed: the event names no policy.

    https://docs.aws.amazon.com/ebs/latest/userguide/ebs-cloud-watch-events.html
    """
    return rule_to_topic(
        "SnapshotFailedRule",
        description="A snapshot or a copy of one failed",
        pattern={
            "source": ["aws.ec2"],
            "detail-type": ["EBS Snapshot Notification", "EBS Multi-Volume Snapshots Completion Status"],
            "detail": {"event": ["createSnapshot", "createSnapshots", "copySnapshot"], "result": ["failed"]},
        },
        topic=topic,
    )
