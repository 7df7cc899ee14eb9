"""DLM's own counts of what its policies do, in CloudWatch.

https://docs.aws.amazon.com/ebs/latest/userguide/monitor-dlm-cw-metrics.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.sandbox.moto_services import moto_backend

if TYPE_CHECKING:
    from baseops.sandbox.services.dlm.policies import Dlm

NAMESPACE = "AWS/EBS"


def count(backend: Dlm, policy_id: str, metric: str, number: int = 1) -> None:
    """Add to a policy's metric. PutMetricData would refuse AWS's own namespaces, so CloudWatch is told directly.

    moto keeps times without a zone.
    """
    point = {
        "MetricName": metric,
        "Value": float(number),
        "Timestamp": backend.now().replace(tzinfo=None),
        "Dimensions": [{"Name": "DLMPolicyId", "Value": policy_id}],
        "Unit": "Count",
    }
    moto_backend("cloudwatch", backend.account_id, backend.region_name).put_metric_data(NAMESPACE, [point])
