"""What botocore's models forbid, in AWS's words."""

from __future__ import annotations

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from baseops.sandbox.constraints import refusal


@pytest.fixture(scope="module")
def dlm() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("dlm", "service-2"), "dlm")


@pytest.mark.parametrize(
    ("request_members", "said"),
    [
        ({"State": "ENABLED"}, ""),
        (
            {"Description": "a" * 501},
            (
                f"1 validation error detected: Value '{'a' * 501}' at 'description' failed to satisfy constraint: "
                "Member must have length less than or equal to 500"
            ),
        ),
        (
            {"PolicyDetails": {"Schedules": [{"RetainRule": {"Count": 1001}}]}},
            (
                "1 validation error detected: Value '1001' at 'policyDetails.schedules.1.member.retainRule.count' "
                "failed to satisfy constraint: Member must have value less than or equal to 1000"
            ),
        ),
        (
            {"Tags": {}, "State": "ON"},
            (
                "2 validation errors detected: Value 'ON' at 'state' failed to satisfy constraint: Member must satisfy "
                "enum value set: [DISABLED, ENABLED]; Value '{}' at 'tags' failed to satisfy constraint: Member must "
                "have length greater than or equal to 1"
            ),
        ),
    ],
)
def test_a_request_is_held_against_its_model(dlm, request_members, said):
    assert refusal(dlm.operation_model("CreateLifecyclePolicy").input_shape, request_members) == said
