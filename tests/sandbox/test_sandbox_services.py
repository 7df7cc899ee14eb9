"""Services of our own beside moto's: whole ones, single operations, consequences, refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from baseops.errors import SandboxError
from baseops.sandbox import service
from baseops.sandbox.answer import Answer
from baseops.sandbox.call import Call
from baseops.sandbox.service import SandboxBackend, ServiceError, calling, extend, follow, opened


@pytest.fixture(autouse=True)
def own_registrations():
    """What a test registers is gone after it; what services registered on their first use meanwhile stays."""
    before = {name: dict(getattr(service, name)) for name in ("_backends", "_extensions")}
    yield
    for name, former in before.items():
        registry = getattr(service, name)
        for key in [key for key, value in registry.items() if value.__module__ == __name__]:
            registry.pop(key)
            if key in former:
                registry[key] = former[key]
    for functions in service._consequences.values():
        functions[:] = [each for each in functions if each.__module__ != __name__]


class BraketBackend(SandboxBackend):
    """A REST service that moto lacks, cut short."""

    service = "braket"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.tags: dict[str, dict[str, str]] = {}

    def tag_resource(self, resource_arn: str, tags: dict[str, str]) -> dict[str, Any]:
        self.tags.setdefault(resource_arn, {}).update(tags)
        return {}

    def list_tags_for_resource(self, resource_arn: str) -> dict[str, Any]:
        if resource_arn not in self.tags:
            raise ServiceError(f"no {resource_arn}", code="ResourceNotFoundException")
        return {"tags": self.tags[resource_arn]}

    def get_device(self, device_arn: str) -> dict[str, Any]:
        return {"deviceArn": device_arn, "deviceName": self.region_name}


@pytest.fixture
def braket(account):
    BraketBackend.register()
    return account.client("braket")


ARN = "arn:aws:braket:eu-west-1:111111111111:quantum-task/a"


def test_a_service_answers_boto3(braket):
    braket.tag_resource(resourceArn=ARN, tags={"a": "b"})
    assert braket.list_tags_for_resource(resourceArn=ARN)["tags"] == {"a": "b"}


def test_a_modelled_error_is_an_exception_of_the_client_with_its_status(braket):
    with pytest.raises(braket.exceptions.ResourceNotFoundException) as caught:
        braket.list_tags_for_resource(resourceArn="arn:x")
    assert caught.value.response["Error"]["Message"] == "no arn:x"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_regions_and_accounts_are_apart(account, braket):
    braket.tag_resource(resourceArn=ARN, tags={"a": "b"})
    for other in (account.client("braket", "us-east-1"), account.clients_of("222222222222").client("braket")):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            other.list_tags_for_resource(resourceArn=ARN)


def test_an_operation_that_a_service_lacks_is_refused_by_name(braket):
    with pytest.raises(ClientError) as caught:
        braket.get_quantum_task(quantumTaskArn=ARN)
    assert caught.value.response["Error"] == {
        "Code": "UnknownOperationException",
        "Message": "Unknown operation GetQuantumTask: the sandbox has no braket:GetQuantumTask",
    }


def test_a_parameter_that_an_operation_lacks_is_refused_by_name(account):
    class Short(BraketBackend):
        def tag_resource(self, resource_arn: str) -> dict[str, Any]:
            return {}

    Short.register()
    with pytest.raises(ClientError, match="the sandbox's braket:TagResource does not know tags"):
        account.client("braket").tag_resource(resourceArn=ARN, tags={"a": "b"})


@pytest.mark.parametrize(
    ("name", "operation", "members", "code"),
    [
        ("logs", "get_log_anomaly_detector", {"anomalyDetectorArn": ARN}, "UnknownOperationException"),
        ("ec2", "describe_reserved_instances_listings", {}, "InvalidAction"),
        ("healthlake", "list_fhir_datastores", {}, "UnknownOperationException"),
        ("lambda", "list_function_event_invoke_configs", {"FunctionName": "f"}, None),
    ],
)
def test_what_moto_lacks_is_an_error_in_the_protocol_of_the_service(account, name, operation, members, code):
    with pytest.raises(ClientError) as caught:
        getattr(account.client(name), operation)(**members)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 404)
    if code:
        assert caught.value.response["Error"]["Code"] == code


def test_an_operation_can_be_added_to_a_service_of_moto(account):
    seen = []

    def get_anomaly_detector(backend: Any, anomaly_detector_arn: str) -> dict[str, Any]:
        seen.append((type(backend).__name__, backend.region_name, calling().operation))
        return {"detectorName": anomaly_detector_arn}

    extend("logs", "GetLogAnomalyDetector", get_anomaly_detector)
    assert account.client("logs").get_log_anomaly_detector(anomalyDetectorArn=ARN)["detectorName"] == ARN
    assert seen == [("LogsBackend", "eu-west-1", "GetLogAnomalyDetector")]


def test_a_required_member_that_is_missing_is_named(account):
    extend("logs", "GetLogAnomalyDetector", lambda _backend, anomaly_detector_arn: {})
    client = account.client("logs")
    client.meta.events.register_first(
        "before-call.cloudwatch-logs.GetLogAnomalyDetector", lambda params, **_: params.update(body=b"{}")
    )
    with pytest.raises(ClientError, match="1 validation error detected: Value null at 'anomalyDetectorArn' failed"):
        client.get_log_anomaly_detector(anomalyDetectorArn=ARN)


def test_a_consequence_sees_the_call_and_what_moto_answered(account):
    seen = []

    def after(call: Call, answer: Answer) -> None:
        seen.append((call.parameters["Name"], answer.members["TopicArn"]))

    follow("sns", "CreateTopic", after)
    account.client("sns").create_topic(Name="alerts")
    assert seen == [("alerts", "arn:aws:sns:eu-west-1:111111111111:alerts")]


def test_a_consequence_of_a_failure_does_not_happen(account):
    seen = []
    follow("logs", "DeleteLogGroup", lambda call, answer: seen.append(call))
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        account.client("logs").delete_log_group(logGroupName="/none")
    assert seen == []


def test_a_service_may_call_others_and_schedule(account):
    class Busy(BraketBackend):
        def tag_resource(self, resource_arn: str, tags: dict[str, str]) -> dict[str, Any]:
            self.clients.client("logs").create_log_group(logGroupName="/made")
            self.sandbox.clock.ticker.after(60, self.later, "later")
            return {}

        def later(self) -> None:
            self.clients.client("logs").create_log_group(logGroupName=f"/later/{self.now():%H-%M-%S}")

    Busy.register()
    account.client("braket").tag_resource(resourceArn=ARN, tags={"a": "b"})
    account.clock.sleep(90)
    groups = account.client("logs").describe_log_groups()["logGroups"]
    assert [group["logGroupName"] for group in groups] == ["/later/09-01-00", "/made"]


def test_ids_are_the_same_for_the_same_seed():
    from baseops.sandbox.account import open_account

    def ids() -> list[str]:
        start = datetime(2025, 1, 1, tzinfo=UTC)
        with open_account(start=start, seed=7) as account:
            volume = account.client("ec2").create_volume(AvailabilityZone="eu-west-1a", Size=1)
            key = account.client("kms").create_key()["KeyMetadata"]["KeyId"]
            secret = account.client("secretsmanager").create_secret(Name="s", SecretString="x")["ARN"]
            return [volume["VolumeId"], key, secret]

    assert ids() == ids()


def test_a_defect_is_no_answer_of_aws(account, caplog):
    extend("logs", "GetLogAnomalyDetector", lambda _backend, **_: 1 / 0)
    with pytest.raises(SandboxError, match="logs:GetLogAnomalyDetector broke the sandbox: ZeroDivisionError"):
        account.client("logs").get_log_anomaly_detector(anomalyDetectorArn=ARN)


def test_outside_an_account_nothing_is_open():
    with pytest.raises(SandboxError, match="no sandbox account is open"):
        opened()
    with pytest.raises(SandboxError, match="no call is being answered"):
        calling()


def test_sns_reaches_a_queue_that_lets_it_in(account):
    topic = account.client("sns").create_topic(Name="t")["TopicArn"]
    queue = account.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    account.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:eu-west-1:111111111111:q")
    account.client("sns").publish(TopicArn=topic, Message="lost")
    service = {"Service": "sns.amazonaws.com"}
    allowed = {"Effect": "Allow", "Principal": service, "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    account.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    account.client("sns").publish(TopicArn=topic, Message="hello")
    [message] = account.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert '"Message": "hello"' in message["Body"]


def test_moto_still_has_what_the_sandbox_stands_on():
    """One look at every place where we reach into moto: an upgrade that moves one fails here first."""
    import inspect

    import moto.core.errors
    import moto.core.utils
    from moto import backends
    from moto.core.base_backend import AccountSpecificBackend, BackendDict
    from moto.core.parse import PROTOCOL_PARSERS
    from moto.core.serialize import ResponseSerializer
    from moto.ec2.models.amis import Ami, AmiBackend
    from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS
    from moto.moto_api._internal import mock_random
    from moto.ssm.models import Parameter, ParameterDict
    from moto.sts.models import STSBackend

    assert {"json", "query", "ec2", "rest-json", "rest-xml"} <= set(PROTOCOL_PARSERS)
    assert list(inspect.signature(ResponseSerializer._serialized_error_to_response).parameters) == [
        "self",
        "resp",
        "error",
        "shape",
        "serialized_error",
    ]
    assert callable(AmiBackend._load_amis)
    assert callable(ParameterDict._load_latest_amis)
    assert {"ami_id", "owner_alias", "public", "boot_mode"} <= set(inspect.signature(Ami).parameters)
    assert {"data_type", "last_modified_date"} <= set(inspect.signature(Parameter).parameters)
    assert list(inspect.signature(STSBackend.assume_role).parameters)[1:] == [
        "region_name",
        "role_session_name",
        "role_arn",
        "policy",
        "duration",
        "external_id",
    ]
    assert set(INSTANCE_TYPE_OFFERINGS) == {"availability-zone", "availability-zone-id", "region"}
    for owner, name in [
        (moto.core.utils, "create_loader"),
        (moto.core.errors, "warn"),
        (AccountSpecificBackend, "get_session"),
        (BackendDict, "_instances"),
        (backends, "list_of_moto_modules"),
        (mock_random, "get_random_hex"),
    ]:
        assert hasattr(owner, name), name
