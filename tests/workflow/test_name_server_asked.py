"""`baseops prove --dns` against a served copy of the example: what that name server answers decides the drills."""

from __future__ import annotations

import json
from pathlib import Path

from baseops.areas.email.sabotage import sabotages
from baseops.workflow.load import load

ACME = Path(__file__).resolve().parents[2] / "examples" / "acme" / "baseops.yaml"
DOMAIN = "email/acme.example"


def proved(sandbox, state: Path) -> tuple[int, dict[str, tuple[str, str]]]:
    """Exit code, verdicts and reasons; nothing but the option tells the command which name server to ask."""
    names = sandbox.environment["BASEOPS_DNS"]
    asked = [*("prove", "-f", str(ACME), "--dns", names), *("--drill", "email/dns", "--drill", "email/blocklists")]
    running = sandbox.command(*asked, "-o", "json", "--evidence", str(state / "evidence"), state=state, BASEOPS_DNS="")
    out, err = running.communicate(timeout=120)
    records = json.loads(out)["records"] if out else []
    assert records, err
    return running.returncode, {each["target"]: (each["verdict"], each["reason"]) for each in records}


def test_records_and_blocklists_are_looked_up_at_the_named_server(served_acme, tmp_path):
    with served_acme() as sandbox:
        code, found = proved(sandbox, tmp_path)
    assert code == 0
    assert found == {
        f"{DOMAIN}/dkim": ("proven", "the 3 CNAMEs lead to SES's keys"),
        f"{DOMAIN}/mail-from": ("proven", "bounces of bounce.acme.example go to SES"),
        f"{DOMAIN}/spf": ("proven", "SES may send for bounce.acme.example, with 1 look-ups"),
        f"{DOMAIN}/dmarc": ("proven", "the policy at _dmarc.acme.example is none"),
        f"{DOMAIN}/zen.spamhaus.org": ("proven", "its test entries answer, and it lists none of 2"),
        f"{DOMAIN}/dbl.spamhaus.org": ("proven", "its test entries answer, and it lists none of 2"),
    }


def break_records_and_be_listed(account) -> None:
    declaration = load(ACME)
    breaks = {each.name: each.break_ for each in sabotages(declaration.sections["email"], declaration.site)}
    for name in ("email/dkim-record-gone", "email/domain-listed"):
        breaks[name](account)


def test_what_is_missing_there_or_listed_there_is_refuted(served_acme, tmp_path):
    with served_acme(break_records_and_be_listed) as sandbox:
        code, found = proved(sandbox, tmp_path)
    assert code == 3
    assert {target for target, (verdict, _) in found.items() if verdict == "refuted"} == {
        f"{DOMAIN}/dkim",
        f"{DOMAIN}/dbl.spamhaus.org",
    }
