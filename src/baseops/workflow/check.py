"""Everything that can be said about a declaration before it is applied: shape, meaning, credentials, the account."""

from __future__ import annotations

from dataclasses import dataclass

from baseops.aws.identity import require_listed
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding, Severity
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.declaration import Declaration, Problem
from baseops.declaration.credentials import scan
from baseops.errors import CompileError
from baseops.workflow.compile import compile_declaration, sections
from baseops.workflow.preflight import names_taken, preflight


@dataclass(frozen=True)
class Checked:
    """What check found: `problems` have a place in the file, worst first decides the exit code."""

    problems: tuple[Problem, ...]

    @property
    def has_errors(self) -> bool:
        """Whether apply would be unwise."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)


def check(declaration: Declaration, lock: Lock, *, credentials: bool = True) -> Checked:
    """Judge a declaration that loads: each area's judgement, whether it compiles, credentials in its repository.

    No network. What cannot be compiled yet because a base is not locked is a warning here.
    """
    refs = Refs(declaration.site, lock)
    findings: list[Finding] = []
    for area, section in sections(declaration):
        findings += area.rehearse.judge(section, refs)
    findings += _compiles(declaration, lock)
    if credentials:
        findings += scan(declaration.path.parent)
    return Checked((*declaration.warnings, *declaration.resolve(findings)))


def check_account(declaration: Declaration, lock: Lock, clients: Clients) -> Checked:
    """The preflight: what the account must have before apply. Reads only.

    Raises `UsageError` for an account that the declaration does not list.
    """
    require_listed(clients, declaration.site)
    needs = [area.stack.needs(section, declaration.site) for area, section in sections(declaration)]
    findings = preflight(declaration.site, clients, needs)
    for area, section in sections(declaration):
        findings += area.account.preflight(section, declaration.site, clients)
        lock = area.account.complete_lock(section, lock, clients)
    findings += names_taken(compile_declaration(declaration, lock), clients)
    return Checked(declaration.resolve(findings))


def _compiles(declaration: Declaration, lock: Lock) -> list[Finding]:
    try:
        compile_declaration(declaration, lock)
    except CompileError as error:
        return [Finding(Severity.WARNING, "compile", (), f"{error.what}: {error.why}", error.remedy)]
    return []
