"""What instances that drills start may do: be reached by Run Command, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from baseops.contract.lock import Lock, LockedBase
from baseops.workflow.compile import compile_declaration
from baseops.workflow.load import load

ACME = Path(__file__).resolve().parents[2] / "examples" / "acme" / "baseops.yaml"
LOCK = Lock(bases={"web": LockedBase("ami-0a1b2c3d4e5f67890", "al2023-ami-2023.9.20260101.0-x86_64", "", "")})


def foundation() -> dict:
    made = compile_declaration(load(ACME), LOCK)
    return next(dict(each.body["Resources"]) for each in made.templates if each.stack == "foundation")


def test_instances_of_drills_have_a_profile_that_reaches_systems_manager_alone() -> None:
    made = foundation()

    profile, role = made["DrillInstanceProfile"]["Properties"], made["DrillInstanceRole"]["Properties"]
    assert profile["InstanceProfileName"] == role["RoleName"] == "baseops-acme-drill-instance"
    (policy,) = role["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert "ssm:UpdateInstanceInformation" in statement["Action"]
    assert {each.partition(":")[0] for each in statement["Action"]} == {"ec2messages", "ssm", "ssmmessages"}
    assert "GetParameter" not in json.dumps(role)
    assert "ManagedPolicyArns" not in role
