"""Which partition of AWS a region belongs to, and in which domain its services answer.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from __future__ import annotations

_BY_PREFIX = {
    "cn-": ("aws-cn", "amazonaws.com.cn"),
    "us-gov-": ("aws-us-gov", "amazonaws.com"),
    "us-iso-": ("aws-iso", "c2s.ic.gov"),
    "us-isob-": ("aws-iso-b", "sc2s.sgov.gov"),
    "eu-isoe-": ("aws-iso-e", "cloud.adc-e.uk"),
    "us-isof-": ("aws-iso-f", "csp.hci.ic.gov"),
    "eusc-": ("aws-eusc", "amazonaws.eu"),
}


def partition_of(region: str) -> str:
    """The second part of every ARN there: `aws` or `aws-cn`, say."""
    return _of(region)[0]


def domain_of(region: str) -> str:
    """What the names of its endpoints end with."""
    return _of(region)[1]


def _of(region: str) -> tuple[str, str]:
    return next((found for prefix, found in _BY_PREFIX.items() if region.startswith(prefix)), ("aws", "amazonaws.com"))
