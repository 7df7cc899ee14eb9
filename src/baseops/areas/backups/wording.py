"""The findings of this area in the making: their rules' names, and lengths of time as people say them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from baseops.contract.finding import Finding, Severity

Path = tuple[str | int, ...]
Findings = Iterator[Finding]


def tag_key_findings(place: Path, key: str) -> Findings:
    """Which characters DLM takes in tag keys.

    https://docs.aws.amazon.com/ebs/latest/userguide/dlm-elements.html
    """
    if set(key) & {"\\", "="}:
        yield error(
            "tag-key",
            place,
            f"DLM takes no tag key with a backslash or an equals sign, such as {key!r}",
            "Write another key",
        )


def only_for_instances(path: Path, key: str) -> Finding:
    """A key that a volume policy cannot have."""
    remedy = f"Delete `{key}`, or write `target: {{resource: instance, …}}`"
    return error("instances-only", (*path, key), f"`{key}` works for policies that target instances", remedy)


def needs_count(path: Path, key: str) -> Finding:
    """What needs a snapshot in the standard tier, where none stays."""
    message = f"with a retention count of 0 there is no snapshot in the standard tier for `{key}`"
    return error("retain-none", (*path, "retain", "count"), message, "Write a count of 1 or more")


def own_account(place: Path, account: str) -> Finding:
    """Another account is meant, and this one named."""
    return error("own-account", place, f"{account} is an account of this declaration", "Name another account")


def error(rule: str, path: Path, message: str, remedy: str) -> Finding:
    """A finding that stops."""
    return finding(Severity.ERROR, rule, path, message, remedy)


def finding(severity: Severity, rule: str, path: Path, message: str, remedy: str) -> Finding:
    """A finding under this area's name."""
    return Finding(severity, f"backups.{rule}", path, message, remedy)


def spoken(value: timedelta) -> str:
    """A length of time as people say it, to the hour where it is long."""
    minutes = round(value.total_seconds() / 60)
    if minutes % 60:
        return f"{minutes} minutes"
    hours = minutes // 60
    return f"{hours} hours" if hours % 24 or hours <= 48 else f"{hours // 24} days"


def whole_days(value: timedelta) -> timedelta:
    """Rounded up."""
    return timedelta(days=-(-value // timedelta(days=1)))


def enough(least: timedelta) -> str:
    """The promise to suggest: the least one, with a fifth for making the snapshot."""
    hours = -(-(least * 1.2) // timedelta(hours=1))
    return f"{hours}h" if hours <= 72 else f"{-(-hours // 24)}d"
