"""Systems Manager in the sandbox: documents are read, associations and executions kept."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError


def automation(**changes):
    steps = [
        {"name": "decide", "action": "aws:branch", "isEnd": True, "inputs": {"Choices": [{"NextStep": "run"}]}},
        {"name": "run", "action": "aws:runCommand", "inputs": {"Comment": "{{ Alarm }}"}},
    ]
    parameters = {"Alarm": {"type": "String"}}
    return json.dumps({"schemaVersion": "0.3", "parameters": parameters, "mainSteps": steps, **changes})


@pytest.fixture
def ssm(account):
    return account.client("ssm")


def make(ssm, content, name="restart"):
    return ssm.create_document(Name=name, DocumentType="Automation", DocumentFormat="JSON", Content=content)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schemaVersion": "2.2"}, "schemaVersion 2.2 is not one of a document of type Automation"),
        ({"parameters": {}}, "{{ Alarm }} is neither a parameter nor an output of a step"),
        ({"mainSteps": [{"name": "run"}]}, "every step has a name and an action"),
        ({"mainSteps": [{"name": "a", "action": "aws:sleep"}] * 2}, "two steps have the same name"),
    ],
)
def test_a_document_that_cannot_run_is_refused(ssm, changes, words):
    with pytest.raises(ClientError, match="InvalidDocumentContent") as caught:
        make(ssm, automation(**changes))
    assert words in str(caught.value)


def test_an_execution_is_started_found_and_stopped(account, ssm):
    make(ssm, automation(mainSteps=[{"name": "rest", "action": "aws:sleep", "inputs": {"Duration": "PT2H"}}]))
    started = ssm.start_automation_execution(DocumentName="restart", Parameters={"Alarm": ["errors"]})
    identifier = started["AutomationExecutionId"]
    filters = [{"Key": "DocumentNamePrefix", "Values": ["restart"]}]
    (found,) = ssm.describe_automation_executions(Filters=filters)["AutomationExecutionMetadataList"]
    assert (found["AutomationExecutionId"], found["AutomationExecutionStatus"]) == (identifier, "InProgress")
    account.clock.sleep(3600)
    recent = [{"Key": "StartTimeAfter", "Values": [account.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")]}]
    assert ssm.describe_automation_executions(Filters=recent)["AutomationExecutionMetadataList"] == []
    ssm.stop_automation_execution(AutomationExecutionId=identifier)
    execution = ssm.get_automation_execution(AutomationExecutionId=identifier)["AutomationExecution"]
    assert execution["AutomationExecutionStatus"] == "Cancelled"


def test_an_execution_is_started_once_for_a_token(ssm):
    make(ssm, automation())
    asked = {"DocumentName": "restart", "Parameters": {"Alarm": ["errors"]}}
    first, again = (
        ssm.start_automation_execution(**asked, ClientToken="6f1c1a52-6f0e-4b1c-9d2e-6a1b0c9f7e11") for _ in range(2)
    )
    assert first["AutomationExecutionId"] == again["AutomationExecutionId"]
    assert ssm.start_automation_execution(**asked)["AutomationExecutionId"] != first["AutomationExecutionId"]


def test_an_execution_wants_the_documents_parameters(ssm):
    make(ssm, automation())
    with pytest.raises(ClientError, match="InvalidAutomationExecutionParameters"):
        ssm.start_automation_execution(DocumentName="restart", Parameters={"Alert": ["errors"]})
    with pytest.raises(ClientError, match="AutomationDefinitionNotFound"):
        ssm.start_automation_execution(DocumentName="none")


def test_an_association_wants_a_document_and_targets(ssm):
    with pytest.raises(ClientError, match="InvalidDocument"):
        ssm.create_association(Name="none", Targets=[{"Key": "tag:Role", "Values": ["web"]}])
    with pytest.raises(ClientError, match="InvalidTarget"):
        ssm.create_association(Name="AWS-RunShellScript")
    made = ssm.create_association(Name="AWS-RunShellScript", Targets=[{"Key": "tag:Role", "Values": ["web"]}])
    identifier = made["AssociationDescription"]["AssociationId"]
    (found,) = ssm.list_associations()["Associations"]
    assert found["AssociationId"] == identifier
    ssm.delete_association(AssociationId=identifier)
    assert ssm.list_associations()["Associations"] == []
