"""What can be said against declared remedies: where they run, what they run, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from baseops.areas.logs.findings import Path, error, warning
from baseops.contract.finding import Finding

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Remedy

_KEPT = timedelta(days=30)
"""For how long Systems Manager remembers executions, by which the cooldown is known."""
_LONGEST = timedelta(days=2)
"""https://docs.aws.amazon.com/systems-manager/latest/userguide/command-ref.html: executionTimeout."""


def check(path: Path, entry: Entry) -> Iterator[Finding]:
    """All remedies of an entry."""
    for name, remedy in entry.remedies.items():
        place = (*path, "remedies", name)
        yield from _of_targets(place, remedy)
        yield from _of_times(place, remedy)
        yield from _of_parameters(place, remedy)
        if not any(alarm.remedy == name for alarm in entry.alarms.values()):
            yield warning(
                "unused-remedy", place, f"no alarm starts the remedy {name}", f"Write remedy: {name} at an alarm"
            )


def _of_targets(path: Path, remedy: Remedy) -> Iterator[Finding]:
    if not remedy.targets:
        yield error(
            "remedy-without-targets",
            path,
            "a metric has no instance, so the remedy would not know where to run",
            "Write targets: {Role: web}",
        )
    if remedy.max_concurrency == "100%" or remedy.max_errors == "100%":
        yield warning(
            "remedy-everywhere",
            path,
            "with 100% the remedy runs on all instances at once, or goes on where all fail",
            "Write max_concurrency: 10% and max_errors: 0",
        )


def _of_times(path: Path, remedy: Remedy) -> Iterator[Finding]:
    if remedy.cooldown > _KEPT:
        yield error(
            "cooldown",
            (*path, "cooldown"),
            "Systems Manager remembers executions for 30 days, by which the cooldown is known",
            "Write cooldown: 30d or less",
        )
    if remedy.timeout > _LONGEST:
        yield error("timeout", (*path, "timeout"), "a command runs for at most 48 hours", "Write timeout: 2d or less")


def _of_parameters(path: Path, remedy: Remedy) -> Iterator[Finding]:
    if remedy.document in ("AWS-RunShellScript", "AWS-RunPowerShellScript") and not remedy.parameters.get("commands"):
        yield error(
            "remedy-without-commands",
            path,
            f"{remedy.document} runs nothing without commands",
            "Write parameters: {commands: [systemctl restart nginx]}",
        )
    for key, values in remedy.parameters.items():
        if any("{{" in value for value in values):
            yield error(
                "remedy-braces",
                (*path, "parameters", key),
                "Systems Manager reads {{ as the beginning of a parameter of its own",
                "Put the command into a script on the instance, and run that",
            )
