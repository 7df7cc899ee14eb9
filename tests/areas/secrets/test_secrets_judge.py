"""Who could read what by our own policies, evaluated as IAM would."""

from __future__ import annotations

from pathlib import Path

import yaml

from baseops.areas.secrets import access, rehearse, spec
from baseops.contract.finding import Severity
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.semantics.roles import role_of

HERE = Path(__file__).parent
SITE = Site("acme", ("111111111111",), "eu-west-1", ("us-east-1",), folder=str(HERE))


def section(text: str) -> spec.Section:
    return spec.Section.model_validate(yaml.safe_load(text))


def ways(declared: spec.Section, entry: str, role: str) -> dict[str, bool]:
    policies = access.reader_policies(declared, SITE)
    found: dict[str, bool] = {}
    for action, allowed in rehearse.ways(declared.entries[entry], role_of(role), policies, SITE):
        found[action] = found.get(action, False) or allowed
    return found


def test_a_reader_reads_and_decrypts_its_secret_and_no_other():
    declared = section("a: {secret: app/a, readers: [role/web]}\nb: {secret: app/b, readers: [role/worker]}")
    assert ways(declared, "a", "role/web") == {"secretsmanager:GetSecretValue": True, "kms:Decrypt": True}
    assert ways(declared, "b", "role/web") == {"secretsmanager:GetSecretValue": False, "kms:Decrypt": False}


def test_a_name_that_begins_like_another_is_not_read():
    declared = section("a: {secret: app/db, readers: [role/web]}\nb: {secret: app/db-replica, readers: [role/worker]}")
    assert not any(ways(declared, "b", "role/web").values())


def test_a_parameter_is_read_by_name_and_never_by_path_or_history():
    declared = section("a: {parameter: /app/team/key, readers: [role/web]}")
    assert ways(declared, "a", "role/web") == {
        "ssm:GetParameter": True,
        "ssm:GetParameters": True,
        "ssm:GetParameterHistory": False,
        "ssm:GetParametersByPath": False,
    }
    assert not any(ways(declared, "a", "role/worker").values())


def test_the_full_section_is_judged_without_an_error_and_prints_what_is_not_attached():
    found = rehearse.judge(section((HERE / "full.yaml").read_text()), Refs(SITE))
    assert [(each.severity, each.rule, each.path) for each in found] == [
        (Severity.NOTE, "secrets.policy-to-attach", ("secrets", "shared", "attach")),
        (Severity.NOTE, "secrets.policy-to-attach", ("secrets", "api-key", "attach")),
    ]
    assert '"arn:aws:ssm:eu-west-1:111111111111:parameter/app/api-key"' in found[1].remedy


def test_a_resource_policy_refuses_even_who_may_do_everything():
    from baseops.semantics.policies import Policies, Policy, Principal, Request, evaluate

    entry = section(
        "a: {secret: app/a, readers: [role/web], administrators: [role/admin], resource_policy: true}"
    ).entries["a"]
    resource = Policy.parse(access.for_account(access.resource_policy(entry), "111111111111"), "resource")
    everything = Policy.parse(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}, "all"
    )
    arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:app/a-a1B2c3"

    def may(principal: str) -> bool:
        request = Request(Principal.parse(principal), "secretsmanager:GetSecretValue", arn)
        return evaluate(request, Policies(identity=(everything,), resource=resource)).allowed

    account = "arn:aws:iam::111111111111"
    assert {name: may(f"{account}:{name}") for name in ("role/web", "role/admin", "role/other", "root")} == {
        "role/web": True,
        "role/admin": True,
        "role/other": False,
        "root": True,
    }
