"""The function that carries events to OpenSearch or to an ingestion pipeline, with its role, logs and dead letters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from troposphere import GetAtt, Ref, Sub, awslambda, cloudwatch, logs

from baseops.areas.logs import names
from baseops.areas.logs.dead_letters import add_queue, closed
from baseops.areas.logs.own_logs import add_own_group
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.packages import zipped
from baseops.cloudformation.parts import alarm, joins_network, service_role
from baseops.cloudformation.resources import lacking, logical_id
from baseops.contract.needs import Artifact
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.logs.spec import FunctionNetwork, OpenSearch, OpenSearchIngestion

# Any: troposphere takes a text or a helper such as Ref for every property.

TIMEOUT_SECONDS = 180
_SKIPPED = {
    "CKV_AWS_115": "reserving concurrency takes it from the whole account; what waits is repeated",
    "CKV_AWS_117": "the declaration names no network for this function",
}


@dataclass(frozen=True)
class Receiver:
    """What the function is told of where events go, and what its role may do there."""

    kind: str
    endpoint: str
    target: str
    action: str
    resources: tuple[Any, ...]
    parse_json: bool
    network: FunctionNetwork | None


def domain(declared: OpenSearch) -> Receiver:
    """An OpenSearch domain: bulk requests, and the indices that they name.

    https://docs.aws.amazon.com/opensearch-service/latest/developerguide/ac.html
    """
    place = f"arn:${{AWS::Partition}}:es:${{AWS::Region}}:${{AWS::AccountId}}:domain/{declared.domain}"
    return Receiver(
        kind="opensearch",
        endpoint=f"https://{declared.endpoint}",
        target=declared.index,
        action="es:ESHttpPost",
        resources=(Sub(f"{place}/_bulk"), Sub(f"{place}/{declared.index}-*")),
        parse_json=declared.parse_json,
        network=declared.network,
    )


def pipeline(declared: OpenSearchIngestion) -> Receiver:
    """An ingestion pipeline: signed requests with an array of documents.

    https://docs.aws.amazon.com/opensearch-service/latest/developerguide/pipeline-security.html
    """
    return Receiver(
        kind="ingestion",
        endpoint=f"https://{declared.endpoint}",
        target=declared.path,
        action="osis:Ingest",
        resources=(declared.pipeline,),
        parse_json=declared.parse_json,
        network=declared.network,
    )


@lru_cache(maxsize=1)
def artifact() -> Artifact:
    """The deployment package: one module, since Lambda has all that it imports."""
    source = (files("baseops.areas.logs.functions") / "shipper.py").read_bytes()
    return Artifact("shipper.zip", zipped({"shipper.py": source}))


def role_title(name: str, shipment: str) -> str:
    """The logical id of the function's role, which an OpenSearch domain with fine-grained access has to map."""
    return logical_id(name, shipment, "ShipperRole")


def add_function(
    stack: StackBuilder, name: str, shipment: str, receiver: Receiver, group: logs.LogGroup, refs: Refs
) -> tuple[awslambda.Function, awslambda.Permission]:
    """Add the function and all that belongs to it; gives it and the permission of CloudWatch Logs to call it."""
    own_logs = add_own_group(stack, logical_id(name, shipment, "ShipperLogs"), name, shipment, refs)
    queue = add_queue(stack, name, shipment, refs, "events were not taken by the receiver")
    stack.add(closed(queue))
    role = service_role(
        role_title(name, shipment),
        "lambda",
        _statements(receiver, queue, own_logs, stack.use(refs.key("logs"))),
        source_account=False,
    )
    if receiver.network:
        role.Metadata = _skip({"CKV_AWS_111": "network interfaces have no name before Lambda makes them"})
    stack.add(role)
    function = stack.add(_function(stack, name, shipment, receiver, role, own_logs, queue, refs))
    permission = stack.add(
        awslambda.Permission(
            logical_id(name, shipment, "ShipperPermission"),
            Action="lambda:InvokeFunction",
            FunctionName=GetAtt(function, "Arn"),
            Principal="logs.amazonaws.com",
            SourceAccount=Ref("AWS::AccountId"),
            SourceArn=GetAtt(group, "Arn"),
        )
    )
    stack.add(_errors(stack, name, shipment, function, refs))
    return function, permission


def _function(
    stack: StackBuilder, name: str, shipment: str, receiver: Receiver, role: Any, own_logs: Any, queue: Any, refs: Refs
) -> awslambda.Function:
    variables = {
        "RECEIVER": receiver.kind,
        "ENDPOINT": receiver.endpoint,
        "TARGET": receiver.target,
        "PARSE_JSON": "yes" if receiver.parse_json else "no",
        "DEAD_LETTERS": Ref(queue),
    }
    function = awslambda.Function(
        logical_id(name, shipment, "Shipper"),
        Description=f"Ships {name} to {receiver.endpoint.removeprefix('https://')}"[:256],
        Runtime="python3.13",
        Architectures=["arm64"],
        Handler="shipper.handle",
        Code=awslambda.Code(S3Bucket=stack.use(refs.artifact_bucket()), S3Key=refs.artifact_key(artifact())),
        Role=GetAtt(role, "Arn"),
        Timeout=TIMEOUT_SECONDS,
        MemorySize=256,
        KmsKeyArn=stack.use(refs.key("logs")),
        Environment=awslambda.Environment(Variables=variables),
        DeadLetterConfig=awslambda.DeadLetterConfig(TargetArn=GetAtt(queue, "Arn")),
        LoggingConfig=lacking(awslambda.LoggingConfig(LogGroup=Ref(own_logs)), LogFormat="JSON"),
    )
    if receiver.network:
        function.VpcConfig = awslambda.VPCConfig(
            SubnetIds=list(receiver.network.subnets), SecurityGroupIds=list(receiver.network.security_groups)
        )
    reasons = {check: why for check, why in _SKIPPED.items() if check != "CKV_AWS_117" or not receiver.network}
    function.Metadata = _skip(reasons)
    return function


def _statements(receiver: Receiver, queue: Any, own_logs: Any, key: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"Sid": "Ship", "Effect": "Allow", "Action": receiver.action, "Resource": list(receiver.resources)},
        {
            "Sid": "KeepDeadLetters",
            "Effect": "Allow",
            "Action": "sqs:SendMessage",
            "Resource": GetAtt(queue, "Arn"),
        },
        {
            "Sid": "EncryptDeadLetters",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": key,
            "Condition": {"StringEquals": {"kms:ViaService": Sub("sqs.${AWS::Region}.amazonaws.com")}},
        },
        {
            "Sid": "WriteItsLogs",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": GetAtt(own_logs, "Arn"),
        },
    ]
    return [*found, *joins_network()] if receiver.network else found


def _errors(stack: StackBuilder, name: str, shipment: str, function: Any, refs: Refs) -> cloudwatch.Alarm:
    return alarm(
        logical_id(name, shipment, "ShipperErrorsAlarm"),
        name=names.alarm_name(stack.site, name, f"{shipment}-errors"),
        topic=stack.use(refs.topic()),
        AlarmDescription=f"Logs {name}: the function that ships to {shipment} fails",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[cloudwatch.MetricDimension(Name="FunctionName", Value=Ref(function))],
        EvaluationPeriods=2,
        DatapointsToAlarm=2,
    )


def _skip(reasons: dict[str, str]) -> dict[str, Any]:
    return {"checkov": {"skip": [{"id": check, "comment": why} for check, why in sorted(reasons.items())]}}
