"""AWS that throttles, fails, hangs and drops connections changes no verdict: drills try again, or say why not."""

import pytest

from baseops.contract.refs import Refs
from baseops.registry import AREAS
from baseops.sandbox.faults import Fault
from baseops.workflow.rehearsed_proof import proven

FAULTS = {
    "throttling": [{"error": "ThrottlingException"}],
    "EC2's throttling": [{"error": "RequestLimitExceeded"}],
    "slow down": [{"error": "SlowDown"}],
    "internal errors": [{"error": "InternalError"}],
    "unavailability": [{"error": "ServiceUnavailable"}],
    "resets before": [{"drop": "request"}],
    "resets after": [{"drop": "response"}],
    "timeouts before": [{"drop": "request", "delay": 60}],
    "timeouts after": [{"drop": "response", "delay": 60}],
}
GAVE_WAY = "the account's quota for reading blocks is used up (ThrottlingException)"
"""What a drill that reads blocks says at the first of these: others need the quota, and it does not try again."""
LOST = {
    "images/launch": [("ec2", "RevokeSecurityGroupEgress"), ("ec2", "AuthorizeSecurityGroupEgress")],
    "logs/twin": [("logs", "CreateLogStream"), ("ssm", "StartAutomationExecution")],
    "logs/dead-man": [("logs", "CreateLogStream")],
    "logs/live-path": [("logs", "CreateLogStream")],
    "secrets/rotation": [("secretsmanager", "UpdateSecretVersionStage")],
    "email/suppression": [("sesv2", "CreateConfigurationSetEventDestination")],
}
"""Calls that AWS refuses the second time, by a drill that makes them."""
EVERY = {
    "all of them": [{**each, "probability": 0.02} for faults in FAULTS.values() for each in faults],
    **{name: [{**each, "probability": 0.1} for each in faults] for name, faults in FAULTS.items()},
}


@pytest.fixture
def acme_says_with(applied_acme, permitted):
    """What drills say, in a copy in which the drills' own calls meet faults; and how many calls have met one."""
    declaration, lock, account = applied_acme

    def run(names, faults, seed=0):
        def in_a_copy():
            who = permitted(declaration, account)
            account.faults.reseed(seed)
            for each in faults:
                account.faults.add(Fault(**each, principal="*:assumed-role/permitted-*"))
            with proven(declaration, lock, account, names=names, **who) as found:
                verdicts = {(each["drill"], each["target"]): each["verdict"] for each in found.records}
                reasons = {each["drill"]: each["reason"] for each in found.records if each["verdict"] == "inconclusive"}
                return verdicts, reasons, len(account.faults.struck), found.head.leftovers

        return account.fork(in_a_copy)

    return run


def same(acme_says_with, names, faults, seed):
    expected, _, none, _ = acme_says_with(names, [])
    verdicts, reasons, struck, leftovers = acme_says_with(names, faults, seed)

    assert none == 0
    assert struck > 0
    gave_way = {drill for drill, reason in reasons.items() if GAVE_WAY in reason}
    assert not gave_way or any(each.get("error") == "ThrottlingException" for each in faults)
    assert besides(gave_way, verdicts) == besides(gave_way, expected), reasons
    assert leftovers == ()


def besides(drills, verdicts):
    return {key: verdict for key, verdict in verdicts.items() if key[0] not in drills}


def test_a_drill_of_each_area_with_faults(acme_says_with, applied_acme):
    declaration, _, _ = applied_acme
    refs = Refs(declaration.site)
    names = [area.prove.drills(declaration.sections[area.name], refs)[0].name for area in AREAS]

    same(acme_says_with, names, EVERY["all of them"], seed=1)


@pytest.mark.parametrize(("drill", "calls"), LOST.items(), ids=LOST)
def test_a_call_whose_answer_is_lost_is_not_refused_for_what_it_did(acme_says_with, drill, calls):
    faults = [{"service": service, "operation": name, "drop": "response", "times": 1} for service, name in calls]

    same(acme_says_with, [drill], faults, seed=0)


@pytest.mark.parametrize("drill", ["email/roundtrip", "email/suppression", "logs/twin"])
def test_messages_that_a_lost_answer_hid_are_found_when_time_is_over(acme_says_with, drill):
    lost = {"service": "sqs", "operation": "ReceiveMessage", "drop": "response", "delay": 60, "times": 7}

    same(acme_says_with, [drill], [lost], seed=0)


@pytest.mark.parametrize("drill", ["logs/twin", "logs/live-path"])
def test_lines_that_took_too_long_to_write_are_written_again(acme_says_with, drill):
    late = {"service": "logs", "operation": "PutLogEvents", "drop": "response", "delay": 60, "times": 4}

    same(acme_says_with, [drill], [late], seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("faults", EVERY.values(), ids=EVERY)
def test_all_drills_with_faults(acme_says_with, faults, seed):
    same(acme_says_with, [], faults, seed)
