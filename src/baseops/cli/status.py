"""`baseops status`: drift of stacks and settings, and what is pending outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from baseops.cli import options
from baseops.cli.evidence_option import evidence_option
from baseops.cli.output import finding_json, next_step, print_json, print_table, say, say_findings

if TYPE_CHECKING:
    from baseops.cloudformation.drift import StackDrift
    from baseops.workflow.proofs import Proof
    from baseops.workflow.status import Status


@click.command("status")
@options.declaration_option
@options.aws_options
@evidence_option
@options.output_option("table", "json")
def command(path: str, connection: options.Connection, evidence: str, output: str) -> None:
    """Show drift of stacks and settings, the age of proofs, and what is pending outside; exits with 3 on drift.

    \b
    baseops status -f examples/acme/baseops.yaml
    """
    from baseops.aws.clock import SystemClock
    from baseops.workflow.proofs import proofs
    from baseops.workflow.prove import Order
    from baseops.workflow.status import status

    compiled, clock = options.compiled(path), SystemClock()
    session = connection.session(compiled.declaration)
    found = status(compiled, session, clock)
    proved = proofs(compiled.declaration, compiled.lock, session, clock.now(), Order(evidence=evidence))
    if output == "json":
        print_json("baseops/status/1", {**status_json(found), "proofs": [_proof_json(each) for each in proved]})
    else:
        print_status(found)
        rows = [(each.drill, each.verdict, _age(each), each.promise) for each in proved]
        styles = {"proven": "green", "refuted": "red", "inconclusive": "yellow", "never": "yellow"}
        print_table(("drill", "last verdict", "age", "promise"), rows, styles=styles)
    say_findings(found.pending)
    next_step(f"baseops plan -f {path}" if found.has_drifted else f"baseops apply -f {path}  (after the next change)")
    if found.has_drifted:
        click.get_current_context().exit(3)


def _age(proof: Proof) -> str:
    if proof.age is None:
        return "-"
    hours = proof.age.total_seconds() / 3600
    return f"{hours / 24:.0f} d" if hours >= 48 else f"{hours:.1f} h"


def _proof_json(proof: Proof) -> dict[str, Any]:
    return {
        "drill": proof.drill,
        "promise": proof.promise,
        "verdict": proof.verdict,
        "age_seconds": proof.age.total_seconds() if proof.age is not None else None,
        "reason": proof.reason,
    }


def print_status(found: Status) -> None:
    """The status as tables: stacks, then what has drifted."""
    drifts = {(each.name, each.region): each for each in found.drift}
    broken = {(each.name, each.region) for each in found.broken}
    rows = []
    for state in found.stacks:
        place = (state.name, state.region)
        word = "missing" if not state.exists else "broken" if place in broken else _drift(drifts.get(place))
        rows.append((state.name, state.region, state.status or "-", word))
    rows += [(each.name, each.region, each.status, "declared no longer") for each in found.leftover]
    styles = {
        "declared no longer": "red",
        "broken": "red",
        "drifted": "red",
        "missing": "red",
        "as declared": "green",
        "not checked": "yellow",
    }
    print_table(("stack", "region", "state", "drift"), rows, styles=styles)
    changed = [
        (
            each.physical_id,
            each.type,
            "is gone"
            if each.deleted
            else "\n".join(f"{one.name}: {one.before} -> {one.after}" for one in each.properties),
        )
        for drift in found.drift
        for each in drift.drifted
    ]
    changed += [
        (plan.setting.id, "setting", f"{plan.current} instead of {plan.setting.desired}")
        for plan in found.settings
        if plan.action in ("write", "refused", "restore")
    ]
    if changed:
        print_table(("resource", "type", "what differs"), changed)
    unchecked = sorted({kind for each in found.drift for kind in each.unchecked})
    if unchecked:
        say("AWS cannot check the drift of: " + ", ".join(unchecked))


def _drift(drift: StackDrift | None) -> str:
    if drift is None:
        return "not checked"
    return "drifted" if drift.drifted else "as declared"


def status_json(found: Status) -> dict[str, Any]:
    """The status as JSON."""
    from dataclasses import asdict

    return {
        "has_drifted": found.has_drifted,
        "stacks": [{"name": each.name, "region": each.region, "status": each.status} for each in found.stacks],
        "leftover": [{"name": each.name, "region": each.region, "status": each.status} for each in found.leftover],
        "drift": [asdict(each) for each in found.drift],
        "settings": [
            {
                "id": each.setting.id,
                "action": each.action,
                "current": each.current,
                "desired": each.setting.desired,
                "reason": each.reason,
            }
            for each in found.settings
        ],
        "pending": [finding_json(each) for each in found.pending],
    }
