"""prove over a declaration: what it selects, what it refuses, and that nothing of ours has to exist."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from baseops.aws.errors import translated
from baseops.contract.lock import Lock
from baseops.contract.site import Drills
from baseops.declaration import load
from baseops.errors import InconclusiveError, UsageError
from baseops.evidence.records import Record
from baseops.evidence.verify import Verifier
from baseops.sandbox.account import open_account
from baseops.workflow.apply import apply
from baseops.workflow.compile import compile_declaration
from baseops.workflow.drill_policies import drill_policies
from baseops.workflow.load import SPECS
from baseops.workflow.proofs import last_proofs, proofs
from baseops.workflow.prove import Means, Order, evidence_store, exit_code, prove, trusted_keys, wanted_drills

ACME = Path(__file__).resolve().parents[2] / "examples" / "acme" / "baseops.yaml"
DECLARATION = """\
version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
logs:
  web: {group: {name: /acme/web}, metrics: {Errors: {pattern: ERROR}}}
secrets:
  db: {secret: app/db, generate: {length: 40}, readers: [role/web]}
"""


@pytest.fixture
def declaration():
    return load(DECLARATION, SPECS)


@pytest.fixture
def account():
    with open_account("111111111111", "eu-west-1", start=datetime(2026, 1, 5, 9, tzinfo=UTC)) as opened:
        yield opened


@pytest.fixture
def order(tmp_path):
    names = ("logs/live-filters", "secrets/readers")
    return Order(names=names, evidence=str(tmp_path / "evidence"), state=tmp_path / "state")


@pytest.fixture
def run(declaration, account, order):
    def prove_it(*, of=declaration, asked=order):
        return prove(
            of, Lock(), account, account.clock, asked, means=Means(resolver=account.resolver, random=random.Random(1))
        )

    return prove_it


def verdicts(found):
    return {each["target"]: each["verdict"] for each in found.records}


def test_an_empty_account_refutes_and_is_sealed_by_a_key_of_this_machine(run):
    found = run()

    assert verdicts(found) == {"logs.web/Errors": "refuted", "secrets.db": "inconclusive"}
    assert found.head.signature.key.startswith("local:")
    assert exit_code(found.records) == 3


def test_an_applied_account_is_proven_and_sealed_by_kms(run, declaration, account):
    account.client("iam").create_role(RoleName="web", AssumeRolePolicyDocument="{}")
    apply(compile_declaration(declaration, Lock()), account, account.clock)

    found = run()

    assert verdicts(found) == {"logs.web": "proven", "secrets.db": "proven"}
    assert found.head.signature.key.startswith("arn:aws:kms:eu-west-1:111111111111:key/")
    assert exit_code(found.records) == 0


def test_drills_are_chosen_by_area_and_name(run, order):
    of_logs = run(asked=replace(order, areas=("logs",), names=()))
    assert {each["area"] for each in of_logs.records} == {"logs"}
    assert set(verdicts(run(asked=replace(order, names=("secrets/readers",))))) == {"secrets.db"}


def test_a_drill_that_is_not_there_is_named(declaration, order):
    with pytest.raises(UsageError, match=r"there is no drill logs/nothing: the declaration has .*logs/live-filters"):
        wanted_drills(declaration, Lock(), replace(order, names=("logs/nothing",)))


def test_an_account_that_is_not_listed_is_refused(run, declaration):
    elsewhere = replace(declaration, site=replace(declaration.site, accounts=("222222222222",)))

    with pytest.raises(UsageError, match="account 111111111111 is not listed"):
        run(of=elsewhere)


def begin_stack(account, name, declaration="", region="eu-west-1"):
    account.client("cloudformation", region).create_stack(
        StackName=name,
        TemplateBody=json.dumps({"Resources": {"Key": {"Type": "AWS::SNS::Topic"}}}),
        Tags=[{"Key": "baseops:declaration", "Value": declaration}] if declaration else [],
    )


@pytest.mark.parametrize(
    ("name", "tag", "region"),
    [
        ("baseops-acme-logs-2", "acme", "eu-west-1"),
        ("baseops-acme-logs", "", "eu-west-1"),
        ("baseops-acme-foundation", "", "eu-west-1"),
        ("baseops-acme-artifacts", "", "eu-west-1"),
        ("baseops-acme-region", "", "us-east-1"),
    ],
)
def test_nothing_runs_while_a_stack_changes(run, account, declaration, name, tag, region):
    begin_stack(account, name, tag, region)
    wide = replace(declaration, site=replace(declaration.site, regions=("us-east-1",)))

    with pytest.raises(
        InconclusiveError, match=f"no drill runs while {name} changes: its status in {region} is CREATE"
    ):
        run(of=wide)


def test_stacks_of_others_are_no_reason_to_wait(run, account):
    begin_stack(account, "baseops-acme-two-logs", "acme-two")
    begin_stack(account, "app")
    begin_stack(account, "baseops-acme-region", region="us-east-1")  # which this declaration does not name

    assert run().records


def test_nothing_runs_in_a_freeze(run, declaration):
    frozen = replace(declaration.site, drills=Drills(freeze=("2026-01-05/2026-01-05",)))

    with pytest.raises(InconclusiveError, match="freezes"):
        run(of=replace(declaration, site=frozen))


def test_keys_do_not_lie_in_the_evidence(declaration, account, tmp_path):
    with pytest.raises(UsageError, match="the keys that seal it lie below"):
        evidence_store(declaration, account, Order(evidence=str(tmp_path), state=tmp_path / "state"))


def test_the_age_of_the_last_proof_is_known_by_drill(run, declaration, account, order):
    run()
    account.clock.advance(by=3600)
    store = evidence_store(declaration, account, order)

    found = last_proofs(store, "111111111111", "eu-west-1", account.clock.now())

    assert [(each.drill, each.verdict, each.age.total_seconds()) for each in found] == [
        ("logs/live-filters", "refuted", 3600),
        ("secrets/readers", "inconclusive", 3600),
    ]


def test_a_drill_that_has_never_run_is_said(declaration, account, order):
    found = proofs(declaration, Lock(), account, account.clock.now(), order)

    assert next((each.drill, each.verdict, each.age) for each in found) == ("logs/live-filters", "never", None)


def test_only_classes_that_have_drills_have_policies(declaration):
    assert set(drill_policies(declaration)) == {"run", "observe"}


def test_the_policies_are_literal_and_never_write_while_observing():
    policies = drill_policies(load(ACME, SPECS))

    assert set(policies) >= {"run", "observe", "exercise", "disturb"}
    assert "Fn::" not in json.dumps(policies)
    observing = [policies[each] for each in policies if each.startswith("observe")]
    actions = [action for one in observing for each in one["Statement"] for action in _listed(each["Action"])]
    verbs = {action.partition(":")[2] for action in actions}
    assert [verb for verb in verbs if verb.startswith(("Create", "Delete", "Put", "Update"))] == []


def _listed(value):
    return [value] if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("verdicts_and_limits", "plain", "strict"),
    [
        ([("proven", [])], 0, 0),
        ([("proven", ["organisation policies"])], 0, 5),
        ([("inconclusive", ["commands in guests"])], 0, 5),
        ([("inconclusive", [])], 5, 5),
        ([("inconclusive", []), ("inconclusive", ["commands in guests"])], 5, 5),
        ([("refuted", ["commands in guests"]), ("inconclusive", [])], 3, 3),
    ],
)
def test_what_a_machine_cannot_exercise_counts_when_strict(verdicts_and_limits, plain, strict):
    records = [
        Record({"drill": "images/launch", "verdict": verdict, "not_exercised": limits})
        for verdict, limits in verdicts_and_limits
    ]

    assert (exit_code(records), exit_code(records, strict=True)) == (plain, strict)


FOREIGN = """\
version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
backups:
  daily:
    managed: false
    target: {resource: volume, tags: {Backup: daily}}
    promise: {rpo: 30h}
"""


def test_what_somebody_else_made_is_proved_without_a_stack_of_ours(account, order, run):
    ec2 = account.client("ec2")
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Backup", "Value": "daily"}]}]
    volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=tags)["VolumeId"]
    account.clock.advance(by=60)
    ec2.create_snapshot(VolumeId=volume)
    account.clock.advance(by=3600)

    found = run(of=load(FOREIGN, SPECS), asked=replace(order, names=("backups/coverage",)))

    assert verdicts(found) == {"backups.daily": "proven"}
    assert found.head.signature.key.startswith("local:")
    assert account.client("cloudformation").list_stacks()["StackSummaries"] == []


def test_a_caller_with_the_generated_policies_needs_nothing_applied(account, order, declaration, permitted):
    who = permitted(declaration, account)
    means = Means(who["clients_of"], account.resolver, random.Random(1))

    found = prove(declaration, Lock(), who["runner"], account.clock, order, means=means)

    assert verdicts(found)["logs.web/Errors"] == "refuted"
    assert found.head.signature.key.startswith("local:")


def test_a_drill_role_that_is_not_there_is_inconclusive_and_named(account, order, declaration):
    def assumed(drill_class):
        with translated("cannot assume the role baseops-acme-drill-observe"):
            return account.session_as("arn:aws:iam::111111111111:role/baseops-acme-drill-observe")

    account.enforce()
    runner = account.clients_of("111111111111")
    found = prove(
        declaration, Lock(), runner, account.clock, order, means=Means(assumed, account.resolver, random.Random(1))
    )

    assert set(verdicts(found).values()) == {"inconclusive"}
    assert "baseops-acme-drill-observe" in found.records[0]["reason"]


class Slow:
    """A clock that is behind the account's."""

    def __init__(self, clock, minutes):
        self.clock = clock
        self.behind = timedelta(minutes=minutes)

    def now(self):
        return self.clock.now() - self.behind

    def __getattr__(self, name):
        return getattr(self.clock, name)


def test_nothing_is_judged_by_a_clock_that_is_not_awss(declaration, account, order):
    means = Means(resolver=account.resolver, random=random.Random(1))

    with pytest.raises(InconclusiveError) as refusal:
        prove(declaration, Lock(), account, Slow(account.clock, 6), order, means=means)

    assert refusal.value.what == "this machine's clock says 2026-01-05 08:54:00 UTC, and AWS's 2026-01-05 09:00:00"
    assert not Path(order.evidence).exists()
    assert prove(declaration, Lock(), account, Slow(account.clock, 4), order, means=means).records


def test_what_a_former_key_sealed_is_trusted_where_somebody_says_so(run, declaration, account, order):
    account.client("iam").create_role(RoleName="web", AssumeRolePolicyDocument="{}")
    run()
    apply(compile_declaration(declaration, Lock()), account, account.clock)
    first = run().head.signature.key
    kms = account.client("kms")
    second = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName="alias/baseops-acme-evidence-signing", TargetKeyId=second)
    account.clock.advance(by=60)
    assert run().head.signature.key.endswith(second)

    def problems(*former):
        signers = trusted_keys(declaration, account, order, former)
        store = evidence_store(declaration, account, order)
        found = Verifier(store, signers, "111111111111", "eu-west-1", account.clock.now()).verify()
        return [each.kind for each in found.problems]

    assert problems() == ["unsigned", "unsigned"]
    assert problems(first) == problems("local") == ["unsigned"]
    assert problems(first, "local") == []
    for odd in ("alias/baseops-acme-evidence-signing", "arn:aws:iam::111111111111:role/web", ""):
        with pytest.raises(UsageError, match="is no key that sealed evidence"):
            problems(odd)
