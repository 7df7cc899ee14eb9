"""What drills are charged for: a table of list prices with its date. Estimates, never an invoice.

Prices of us-east-1 in US dollars; other regions differ by up to some tens of percent. Free tiers are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

AS_OF = date(2025, 6, 1)
"""The date of the price lists; `prove` says so beside every cost."""


@dataclass(frozen=True)
class Price:
    """One line of a price list."""

    usd: float
    unit: str
    source: str


PRICES: Mapping[str, Price] = {
    "ebs-get-block": Price(0.003 / 1000, "block of a snapshot", "https://aws.amazon.com/ebs/pricing/"),
    "ebs-list-blocks": Price(0.0006 / 1000, "request", "https://aws.amazon.com/ebs/pricing/"),
    "ebs-gp3": Price(0.08 / 730, "GiB and hour", "https://aws.amazon.com/ebs/pricing/"),
    "ec2-t3-micro": Price(0.0104, "hour", "https://aws.amazon.com/ec2/pricing/on-demand/"),
    "cloudwatch-alarm": Price(0.10, "alarm and month", "https://aws.amazon.com/cloudwatch/pricing/"),
    "cloudwatch-metric": Price(0.30, "metric and month", "https://aws.amazon.com/cloudwatch/pricing/"),
    "cloudwatch-get-metric-data": Price(0.01 / 1000, "metric asked for", "https://aws.amazon.com/cloudwatch/pricing/"),
    "kms-request": Price(0.03 / 10_000, "request", "https://aws.amazon.com/kms/pricing/"),
    "kms-sign": Price(0.15 / 10_000, "signature", "https://aws.amazon.com/kms/pricing/"),
    "s3-put": Price(0.005 / 1000, "request", "https://aws.amazon.com/s3/pricing/"),
    "secret": Price(0.40, "secret and month", "https://aws.amazon.com/secrets-manager/pricing/"),
    "secrets-request": Price(0.05 / 10_000, "request", "https://aws.amazon.com/secrets-manager/pricing/"),
    "ses-mail": Price(0.10 / 1000, "mail", "https://aws.amazon.com/ses/pricing/"),
    "ssm-automation-step": Price(0.002, "step", "https://aws.amazon.com/systems-manager/pricing/"),
}

_CALLS = {
    ("ebs", "get_snapshot_block"): "ebs-get-block",
    ("ebs", "list_snapshot_blocks"): "ebs-list-blocks",
    ("ebs", "list_changed_blocks"): "ebs-list-blocks",
    ("cloudwatch", "get_metric_data"): "cloudwatch-get-metric-data",
    ("kms", "generate_mac"): "kms-request",
    ("kms", "sign"): "kms-sign",
    ("secretsmanager", "get_secret_value"): "secrets-request",
    ("secretsmanager", "describe_secret"): "secrets-request",
    ("sesv2", "send_email"): "ses-mail",
}


def cost(of: str, amount: float = 1) -> float:
    """What an amount of something in the table costs; raises KeyError for what is not in it."""
    return PRICES[of].usd * amount


def price_of_call(service: str, operation: str) -> float:
    """What one request costs; most cost nothing."""
    priced = _CALLS.get((service, operation))
    return PRICES[priced].usd if priced else 0.0
