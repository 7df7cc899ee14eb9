"""DLM's own counts of what its policies do, in CloudWatch.

https://docs.aws.amazon.com/ebs/latest/userguide/monitor-dlm-cw-metrics.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.sandbox.services.cloudwatch.series import record

if TYPE_CHECKING:
    from baseops.sandbox.services.dlm.policies import Dlm

NAMESPACE = "AWS/EBS"


def count(backend: Dlm, policy_id: str, metric: str, number: int = 1) -> None:
    """Add to a policy's metric."""
    record(
        backend.account_id,
        backend.region_name,
        NAMESPACE,
        metric,
        float(number),
        dimensions={"DLMPolicyId": policy_id},
        unit="Count",
    )
