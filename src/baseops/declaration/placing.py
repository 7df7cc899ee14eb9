"""Gives what is said about a declaration its line and column: a finding names a path, a problem a place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from baseops.contract.finding import Finding, Severity
from baseops.declaration.positions import Path, Positions
from baseops.declaration.problem import Problem


@dataclass(frozen=True, eq=False)
class Placer:
    """The places of one file."""

    file: str
    positions: Positions

    def of_findings(self, findings: Iterable[Finding]) -> list[Problem]:
        """Each finding at its value, or at the nearest parent that the file has."""
        return [self.place(one.path, one.message, one.remedy, one.rule, one.severity) for one in findings]

    def place(self, path: Path, message: str, remedy: str, rule: str, severity: Severity = Severity.ERROR) -> Problem:
        """A problem at the nearest place to a path."""
        return Problem(self.file, *self.positions.nearest(path), path, message, remedy, severity, rule)

    def place_key(self, path: Path, message: str, remedy: str, rule: str) -> Problem:
        """A problem at the name of a value instead of the value."""
        place = self.positions.key(path) or self.positions.nearest(path)
        return Problem(self.file, *place, path, message, remedy, rule=rule)
