"""Does everything that can be done without AWS: compile, judge, then the whole life of the stacks in a local account.

The only verb that knows the sandbox. Each step is timed and ends in one line of the rehearsal's table; the first
step that fails ends the rehearsal with its reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from baseops.cloudformation.events import Listener
from baseops.cloudformation.operations import Applied
from baseops.contract.finding import Finding, Severity
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.types import Json
from baseops.declaration import Declaration
from baseops.errors import BaseopsError, VerdictError
from baseops.workflow.apply import ApplyResult, apply
from baseops.workflow.compile import Compiled, compile_declaration, sections
from baseops.workflow.destroy import Destruction, destroy
from baseops.workflow.local import open_local_account
from baseops.workflow.plan import plan
from baseops.workflow.premade import premake
from baseops.workflow.rehearsed_proof import let_time_pass, proven, verdicts
from baseops.workflow.sabotage import Outcome, sabotage, sabotages
from baseops.workflow.status import status
from baseops.workflow.world import as_made, build_world

if TYPE_CHECKING:
    from baseops.sandbox.account import Account

Verb = Literal[
    "compile", "judge", "world", "apply", "again", "status", "prove", "sabotage", "destroy", "reapply", "import"
]
VERBS: tuple[Verb, ...] = (
    "compile",
    "judge",
    "world",
    "apply",
    "again",
    "status",
    "prove",
    "sabotage",
    "destroy",
    "reapply",
    "import",
)

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""When virtual time begins: a Monday morning."""


@dataclass(frozen=True)
class Cell:
    """One area at one verb: what came out, in a few words, and how long it took.

    `seconds` is virtual where the account's clock decides (`apply`, `destroy`, …), else real.
    """

    area: str
    verb: Verb
    result: str
    seconds: float = 0.0
    is_virtual: bool = False


@dataclass
class Rehearsal:
    """All that was rehearsed. `seconds` are real, by verb; `failure` is why it ended early."""

    cells: list[Cell] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    pending: list[Finding] = field(default_factory=list)
    seconds: dict[Verb, float] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    verdicts: dict[str, int] = field(default_factory=dict)
    records: list[dict[str, Json]] = field(default_factory=list)
    sabotage: list[Outcome] = field(default_factory=list)
    failure: BaseopsError | None = None

    @property
    def passed(self) -> bool:
        """Whether every step did what it should and nothing judged is an error."""
        return self.failure is None and not any(each.severity is Severity.ERROR for each in self.findings)


Teller = Callable[[Verb], None]
Breaks = Callable[[Outcome, int], None]


def rehearse(
    declaration: Declaration,
    lock: Lock,
    *,
    teller: Teller = lambda _: None,
    listener: Listener = lambda _: None,
    breaks: Breaks = lambda _outcome, _total: None,
) -> Rehearsal:
    """Rehearse; no network, no AWS account.

    `teller` hears each verb as it begins, `listener` each stack event, `breaks` each sabotage with how many there are.
    A base image that the lock does not hold is taken from the sandbox's world, in memory only.
    """
    run = _Run(declaration, lock, teller, listener, breaks)
    try:
        run.through()
    except BaseopsError as error:
        run.rehearsal.failure = error
    return run.rehearsal


class _Run:
    """One rehearsal in progress."""

    def __init__(
        self, declaration: Declaration, lock: Lock, teller: Teller, listener: Listener, breaks: Breaks
    ) -> None:
        self.declaration = declaration
        self.lock = lock
        self.teller = teller
        self.listener = listener
        self.breaks = breaks
        self.rehearsal = Rehearsal()

    def through(self) -> None:
        """The story: a fresh account, its world, the stacks' whole life; then an account that is not fresh."""
        with self._account() as account:
            with self._timed("world"):
                self._world(account)
            with self._timed("compile"):
                compiled = self._compile(account)
            with self._timed("judge"):
                self._judge()
            with self._timed("apply"):
                self._apply(account, compiled)
            with self._timed("again"):
                self._again(account, compiled)
            with self._timed("status"):
                self._status(account, compiled)
            with self._timed("prove"):
                self._prove(account, compiled)
            with self._timed("sabotage"):
                self._sabotage(account, compiled)
            with self._timed("destroy"):
                self._destroy(account, compiled)
            with self._timed("reapply"):
                self._reapply(account, compiled)
        with self._account() as account, self._timed("import"):
            self._import(account)

    @contextmanager
    def _account(self) -> Iterator[Account]:
        site = self.declaration.site
        with open_local_account(account_id=site.accounts[0], region=site.region, start=START) as account:
            yield account

    @contextmanager
    def _timed(self, verb: Verb) -> Iterator[None]:
        self.teller(verb)
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.rehearsal.seconds[verb] = time.perf_counter() - begun

    def _cell(self, area: str, verb: Verb, result: str, seconds: float, *, is_virtual: bool = False) -> None:
        self.rehearsal.cells.append(Cell(area, verb, result, seconds, is_virtual))

    def _world(self, account: SandboxAccount) -> None:
        begun = time.perf_counter()
        for area in build_world(self.declaration, account):
            self._cell(area, "world", "made", time.perf_counter() - begun)
            begun = time.perf_counter()
        self.declaration = as_made(self.declaration, account)

    def _compile(self, account: SandboxAccount) -> Compiled:
        lock = self.lock
        for area, section in sections(self.declaration):
            lock = area.account.complete_lock(section, lock, account)
        begun = time.perf_counter()
        compiled = compile_declaration(self.declaration, lock)
        self.lock = compiled.lock
        share = (time.perf_counter() - begun) / max(len(compiled.templates), 1)
        for name, templates in _by_area(compiled).items():
            self._cell(name, "compile", f"{sum(templates)} resources", share * len(templates))
        return compiled

    def _judge(self) -> None:
        refs = Refs(self.declaration.site, self.lock)
        for area, section in sections(self.declaration):
            begun = time.perf_counter()
            found = area.rehearse.judge(section, refs)
            self.rehearsal.findings += found
            self._cell(area.name, "judge", _count(found), time.perf_counter() - begun)

    def _apply(self, account: SandboxAccount, compiled: Compiled) -> None:
        result = self._applied(account, compiled, "apply")
        self._require(all(each.outcome == "created" for each in result.stacks), "apply", _outcomes(result))
        self.rehearsal.pending = list(result.pending)

    def _again(self, account: SandboxAccount, compiled: Compiled) -> None:
        planned = plan(compiled, account, account.clock)
        self._require(not planned.has_changes, "plan after apply", "it shows changes")
        result = self._applied(account, compiled, "again")
        self._require(not result.changed, "the second apply", _outcomes(result))

    def _status(self, account: SandboxAccount, compiled: Compiled) -> None:
        found = status(compiled, account, account.clock)
        drifted = [one for each in found.drift for one in each.drifted]
        details = "; ".join(f"{one.logical_id} {[each.name for each in one.properties]}" for one in drifted)
        self._require(not found.has_drifted, "status after apply", details or "something is missing")
        names = {template.name: _area_of(template.stack) for template in compiled.templates}
        for area in dict.fromkeys(names[each.name] for each in found.drift):
            self._cell(area, "status", "no drift", 0.0)

    def _prove(self, account: Account, compiled: Compiled) -> None:
        let_time_pass(self.declaration, account)
        with proven(self.declaration, compiled.lock, account) as run:
            self.rehearsal.verdicts = dict(run.head.counts)
            self.rehearsal.records = [dict(each.values) for each in run.records]
            for area, _ in sections(self.declaration):
                self._cell(area.name, "prove", verdicts(run, area.name), 0.0)
        refuted = [f"{each['target']}: {each['reason']}" for each in run.records if each["verdict"] == "refuted"]
        self._require(not refuted, "prove in an account that nobody has broken", "; ".join(refuted))

    def _sabotage(self, account: Account, compiled: Compiled) -> None:
        wanted = sabotages(self.declaration)
        self.rehearsal.sabotage = sabotage(
            self.declaration,
            compiled.lock,
            account,
            chosen=wanted,
            teller=lambda outcome: self.breaks(outcome, len(wanted)),
        )
        for area, _ in sections(self.declaration):
            mine = [each for each in self.rehearsal.sabotage if each.area == area.name]
            caught = sum(each.caught for each in mine)
            if mine:
                self._cell(area.name, "sabotage", f"{caught}/{len(mine)} caught", sum(each.seconds for each in mine))
        missed = [f"{each.name}: {each.drill} said {each.found}" for each in self.rehearsal.sabotage if not each.caught]
        self._require(not missed, "a drill that should notice a break", "; ".join(missed))

    def _destroy(self, account: SandboxAccount, compiled: Compiled) -> None:
        begun = account.clock.now()
        done = destroy(self.declaration.site, account, account.clock, listener=self.listener)
        seconds = (account.clock.now() - begun).total_seconds()
        self._require_gone(account, done)
        self.rehearsal.kept = [f"{each.type} {each.physical_id}" for each in done.kept]
        kept = [_area_of(each.stack.removeprefix(f"{self.declaration.site.prefix}-")) for each in done.kept]
        for name in _by_area(compiled):
            self._cell(name, "destroy", f"{kept.count(name)} kept", seconds, is_virtual=True)

    def _reapply(self, account: SandboxAccount, compiled: Compiled) -> None:
        result = self._applied(account, compiled, "reapply")
        self._require(
            all(each.outcome == "created" for each in result.stacks), "apply after destroy", _outcomes(result)
        )

    def _import(self, account: SandboxAccount) -> None:
        for _ in build_world(self.declaration, account):
            continue
        compiled = compile_declaration(as_made(self.declaration, account), self.lock)
        made = premake(compiled, account)
        result = self._applied(account, compiled, "import")
        taken = {name for each in result.stacks for name in each.imported}
        missed = sorted(set(made) - taken)
        self._require(not missed, "apply over existing resources", f"not imported: {', '.join(missed)}")

    def _applied(self, account: SandboxAccount, compiled: Compiled, verb: Verb) -> ApplyResult:
        result = apply(compiled, account, account.clock, listener=self.listener)
        for area, stacks in _grouped(result.stacks).items():
            self._cell(area, verb, _words(stacks), sum(each.seconds for each in stacks), is_virtual=True)
        return result

    def _require(self, holds: bool, what: str, why: str) -> None:
        if not holds:
            raise VerdictError(f"{what} did not do what it should", why)

    def _require_gone(self, account: SandboxAccount, done: Destruction) -> None:
        from baseops.cloudformation.stacks import find_stacks

        site = self.declaration.site
        left = [
            each.name for region in (site.region, *site.regions) for each in find_stacks(account, site.name, region)
        ]
        self._require(not left, "destroy", f"stacks are left: {', '.join(left)}")
        self._require(bool(done.stacks), "destroy", "it found no stack of ours")


def _by_area(compiled: Compiled) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for template in compiled.templates:
        resources = template.body["Resources"]
        found.setdefault(_area_of(template.stack), []).append(len(resources) if isinstance(resources, dict) else 0)
    return found


def _area_of(stack: str) -> str:
    """`logs` for `logs-2`; artifacts, foundation and region for themselves."""
    name, _, part = stack.rpartition("-")
    return name if part.isdigit() else stack


def _grouped(stacks: Sequence[Applied]) -> dict[str, list[Applied]]:
    found: dict[str, list[Applied]] = {}
    for each in stacks:
        found.setdefault(_area_of(each.template.stack), []).append(each)
    return found


def _words(stacks: Sequence[Applied]) -> str:
    imported = sum(len(each.imported) for each in stacks)
    outcomes = "/".join(dict.fromkeys(each.outcome for each in stacks))
    return f"{outcomes}\n{imported} imported" if imported else outcomes


def _outcomes(result: ApplyResult) -> str:
    changed = [
        f"setting {each.setting.id} {each.action}" for each in result.settings if each.action in ("write", "restore")
    ]
    return "; ".join([f"{each.template.name} {each.outcome}" for each in result.stacks] + changed)


def _count(findings: Sequence[Finding]) -> str:
    errors = sum(each.severity is Severity.ERROR for each in findings)
    warnings = sum(each.severity is Severity.WARNING for each in findings)
    said = [_plural(number, noun) for number, noun in ((errors, "error"), (warnings, "warning")) if number]
    return ", ".join(said) or "sound"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
