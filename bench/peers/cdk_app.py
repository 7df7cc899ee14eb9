"""The AWS CDK's way of 100 log groups with filter and alarm and one DLM policy (301 resources): the peer of compile."""

import os

from aws_cdk import App, Stack, aws_cloudwatch, aws_dlm, aws_logs

COUNT = int(os.environ.get("COUNT", "100"))
app = App()
stack = Stack(app, "Base", analytics_reporting=False)
for number in range(COUNT):
    group = aws_logs.LogGroup(
        stack, f"Group{number}", log_group_name=f"/app/svc{number}", retention=aws_logs.RetentionDays.ONE_MONTH
    )
    pattern = aws_logs.FilterPattern.literal(f"{{ $.status >= {400 + number} }}")
    found = group.add_metric_filter(
        f"Filter{number}", filter_pattern=pattern, metric_name=f"errors{number}", metric_namespace="base"
    )
    aws_cloudwatch.Alarm(
        stack, f"Alarm{number}", metric=found.metric(statistic="Sum"), threshold=5, evaluation_periods=1
    )
aws_dlm.CfnLifecyclePolicy(
    stack,
    "Daily",
    description="daily",
    state="ENABLED",
    execution_role_arn="arn:aws:iam::111111111111:role/dlm",
    policy_details={
        "resourceTypes": ["VOLUME"],
        "targetTags": [{"key": "Backup", "value": "daily"}],
        "schedules": [
            {
                "name": "daily",
                "createRule": {"interval": 24, "intervalUnit": "HOURS", "times": ["03:00"]},
                "retainRule": {"count": 30},
            }
        ],
    },
)
app.synth()
