"""Secrets, mail addresses and log lines never enter evidence, wherever a careless drill puts them."""

from datetime import UTC, datetime

import pytest

from baseops.contract.drill import Span, inconclusive, proven, refuted
from baseops.evidence.redaction import unfit
from baseops.sandbox.faults import Fault

START = datetime(2026, 1, 8, 9, tzinfo=UTC)

SEEDS = {
    "address": "jane.doe+ops@customer.example",
    "secret key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "access key": "AKIAIOSFODNN7EXAMPLE",
    "log line": '203.0.113.9 - - [08/Jan/2026:09:00:00 +0000] "GET /account HTTP/1.1" 500',
    "json line": '{"status": 500, "user": "jane"}',
    "password": "password=hunter2hunter2",
    "url": "postgres://app:hunter2@db.internal/app",
    "private key": "-----BEGIN EC PRIVATE KEY-----",
}


@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS)
@pytest.mark.parametrize(
    "place", ["reason", "target", "step", "error", "measure", "span", "journal", "identifier", "left"]
)
def test_seeded_values_are_in_no_file(bench, drill, account, seed, place):
    def run(ctx):
        if place == "step":
            ctx.steps.add(f"saw {seed}")
        if place == "error":
            raise ValueError(f"cannot parse {seed}")
        if place == "journal":
            from baseops.evidence import resources

            ctx.journal.create(resources.subscription("eu-west-1", "arn:x", seed), lambda _: seed)
        if place in ("identifier", "left"):
            group = ctx.journal.path("x")
            ctx.journal.create(resources.log_group("eu-west-1", group), lambda _: seed)
        target = f"backups.daily/{seed}" if place == "target" else "backups.daily"
        reason = f"found {seed}" if place == "reason" else "found it"
        drawn = [Span(seed, "open", START, START), Span("mail", seed, START, START)] if place == "span" else []
        yield refuted(target, reason, measures={seed: 1} if place == "measure" else {}, spans=drawn)

    if place == "left":
        account.faults.add(Fault("logs", "DeleteLogGroup", "OperationAbortedException", f"busy with {seed}"))
    bench.run(drill(run))

    kept = [path for path in bench.store.folder.parent.rglob("*") if path.is_file() and "keys" not in path.parts]
    assert len(kept) >= 3
    assert [path for path in kept if seed.encode() in path.read_bytes()] == []


def test_what_is_withheld_is_said_and_a_proof_is_none_any_more(bench, drill):
    seed = SEEDS["address"]
    found = [proven("a", f"sent to {seed}"), refuted("b", f"not sent to {seed}"), inconclusive("c", seed)]
    done = bench.run(drill(lambda ctx: found))

    words = "withheld: the drill backups/toy wanted to keep a mail address, which evidence must not hold"
    assert [(each["target"], each["verdict"], each["reason"]) for each in done.records[:3]] == [
        ("a", "inconclusive", words),
        ("b", "refuted", words),
        ("c", "inconclusive", words),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "snapshot snap-0a1b2c3d4e5f60718 of vol-0a1 is 31 h old, the promise is 30 h",
        "arn:aws:secretsmanager:eu-west-1:111111111111:secret:app/db-password-AbCdEf",
        "arn:aws:iam::111111111111:role/baseops/acme-web can read it",
        "the filter Http5xx has the pattern { $.status >= 500 } instead of { $.status >= 400 }",
        "address-1f2e3d4c5b6a of acme.example is not verified",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
        "the DKIM record k3vv7yq2._domainkey.acme.example is missing",
    ],
)
def test_what_drills_have_to_say_passes(text):
    assert unfit(text) == ""
