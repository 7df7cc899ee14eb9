"""When CloudWatch alarms ring: metric alarms with missing data, composite alarms and their rules, and the limits.

Pure: points go in, a state comes out. Where the points come from is `metrics`' affair.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

from __future__ import annotations

from baseops.semantics.alarms.evaluation import (
    Comparison,
    State,
    TreatMissing,
    breaches,
    evaluate,
    evaluation_interval,
    evaluation_range,
    has_too_few_samples,
    treatment,
)
from baseops.semantics.alarms.limits import limit_problems
from baseops.semantics.alarms.rule_parser import RuleError, parse_rule
from baseops.semantics.alarms.rules import Rule, alarm_name

__all__ = [
    "Comparison",
    "Rule",
    "RuleError",
    "State",
    "TreatMissing",
    "alarm_name",
    "breaches",
    "evaluate",
    "evaluation_interval",
    "evaluation_range",
    "has_too_few_samples",
    "limit_problems",
    "parse_rule",
    "treatment",
]
