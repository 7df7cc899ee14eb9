"""The served account: boto3 and the stock aws CLI over HTTP, the control endpoint, S3 in both styles, clean ends."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.session import Session

from baseops.errors import SandboxError
from baseops.sandbox import service
from baseops.sandbox.account import Account, open_account
from baseops.sandbox.faults import Fault
from baseops.sandbox.server import Server, serve
from baseops.sandbox.service import extend

AWS_CLI = Path(__file__).parents[3] / "judges" / "awscli" / "bin" / "aws"
SESSION = Session()
START = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)


class Served:
    """An account with its server, and ways to talk to it."""

    def __init__(self, account: Account, server: Server) -> None:
        self.account = account
        self.url = server.url

    def client(self, service: str, *, key: str | None = None, secret: str = "any", **config: Any) -> Any:
        return SESSION.create_client(
            service,
            region_name="eu-west-1",
            endpoint_url=self.url,
            aws_access_key_id=key or self.account.access_key,
            aws_secret_access_key=secret,
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def http(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc)
        try:
            connection.request(method, path, body.encode(), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def control(self, method: str, name: str, body: Any = None) -> tuple[int, Any]:
        status, text = self.http(method, f"/_baseops/{name}", json.dumps(body) if body is not None else "")
        return status, json.loads(text)


@pytest.fixture
def served() -> Iterator[Served]:
    with open_account(speed=1) as account, Server(account) as server:
        yield Served(account, server)


@pytest.fixture
def virtual() -> Iterator[Served]:
    with open_account(start=START) as account, account.clock.standing_aside(), Server(account) as server:
        yield Served(account, server)


# --- SDKs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("logs", "describe_log_groups"),
        ("ec2", "describe_volumes"),
        ("cloudwatch", "describe_alarms"),
        ("sns", "list_topics"),
        ("sqs", "list_queues"),
        ("s3", "list_buckets"),
        ("ssm", "describe_parameters"),
        ("iam", "list_roles"),
        ("route53", "list_hosted_zones"),
        ("ses", "list_identities"),
        ("sesv2", "list_email_identities"),
        ("events", "list_rules"),
        ("secretsmanager", "list_secrets"),
        ("kms", "list_keys"),
        ("scheduler", "list_schedules"),
        ("stepfunctions", "list_state_machines"),
        ("resourcegroupstaggingapi", "get_resources"),
        ("organizations", "list_roots"),
        ("cloudformation", "list_stacks"),
    ],
)
def test_every_protocol_finds_its_service(served, name, operation):
    try:
        answer = getattr(served.client(name), operation)()
    except ClientError as error:
        answer = error.response
        assert name == "organizations"
        assert answer["Error"]["Code"] == "AWSOrganizationsNotInUseException"
    assert answer["ResponseMetadata"]["RequestId"]


def test_served_and_in_process_are_one_account(served):
    served.client("logs").create_log_group(logGroupName="/served")
    served.account.client("logs").create_log_group(logGroupName="/inside")
    groups = served.client("logs").describe_log_groups()["logGroups"]
    assert [group["logGroupName"] for group in groups] == ["/inside", "/served"]


def test_any_key_is_the_operator_and_twelve_digits_name_an_account(served):
    assert served.client("sts", key="test").get_caller_identity()["Account"] == "111111111111"
    assert served.client("sts", key="222222222222").get_caller_identity()["Account"] == "222222222222"


def test_an_unknown_operation_and_service_are_modelled_errors(served):
    with pytest.raises(ClientError, match=r"UnknownOperationException.*sandbox has no logs:ListAnomalies"):
        served.client("logs").list_anomalies()
    with pytest.raises(ClientError, match=r"UnknownOperationException.*sandbox has no service healthlake"):
        served.client("healthlake").list_fhir_datastores()
    status, text = served.http(
        "POST", "/", "", Authorization="AWS4-HMAC-SHA256 Credential=A/20250101/eu-west-1/nonsense/aws4_request, S=1"
    )
    assert (status, "The sandbox has no service nonsense" in text) == (400, True)


def test_a_defect_is_an_answer_that_is_not_retried(served, caplog, monkeypatch):
    monkeypatch.setattr(service, "_extensions", dict(service._extensions))
    extend("logs", "ListAnomalies", lambda _backend, **_: 1 / 0)
    with pytest.raises(ClientError, match=r"InternalFailure.*ZeroDivisionError") as caught:
        served.client("logs").list_anomalies()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_the_binding_that_older_sdks_use_is_answered(served):
    served.client("sesv2").create_email_identity(EmailIdentity="acme.example")
    scope = "AWS4-HMAC-SHA256 Credential=A/20250101/eu-west-1/ses/aws4_request, SignedHeaders=host, Signature=0"
    status, text = served.http("GET", "/v2/email/identities?PageSize=10", Authorization=scope)
    assert status == 200
    assert json.loads(text)["EmailIdentities"][0]["IdentityName"] == "acme.example"


def test_faults_reach_http_too(served):
    served.account.faults.add(Fault("logs", "DescribeLogGroups", error="ThrottlingException", times=1))
    with pytest.raises(ClientError, match="ThrottlingException"):
        served.client("logs").describe_log_groups()
    served.account.faults.add(Fault("logs", "DescribeLogGroups", drop="request", times=1))
    with pytest.raises(ConnectionClosedError):
        served.client("logs").describe_log_groups()
    assert served.client("logs").describe_log_groups()["logGroups"] == []


def test_many_clients_at_once(served):
    errors: list[Exception] = []

    def work(number: int) -> None:
        try:
            client = served.client("logs")
            for index in range(5):
                client.create_log_group(logGroupName=f"/{number}/{index}")
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(served.client("logs").describe_log_groups()["logGroups"]) == 30


# --- S3 -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(served) -> Any:
    client = served.client("s3")
    client.create_bucket(Bucket="my.bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    client.put_object(Bucket="my.bucket", Key="dir/ü +%2F", Body=b"hello" * 1000, ContentType="text/plain")
    return client


def test_s3_in_path_style(bucket):
    answer = bucket.get_object(Bucket="my.bucket", Key="dir/ü +%2F", Range="bytes=0-4")
    assert answer["Body"].read() == b"hello"
    assert answer["ContentType"] == "text/plain"
    head = bucket.head_object(Bucket="my.bucket", Key="dir/ü +%2F")
    assert head["ContentLength"] == 5000
    [listed] = bucket.list_objects_v2(Bucket="my.bucket")["Contents"]
    assert listed["Key"] == "dir/ü +%2F"
    bucket.delete_object(Bucket="my.bucket", Key="dir/ü +%2F")
    with pytest.raises(bucket.exceptions.NoSuchKey):
        bucket.get_object(Bucket="my.bucket", Key="dir/ü +%2F")


@pytest.mark.parametrize(
    "host", ["my.bucket.s3.eu-west-1.amazonaws.com", "my.bucket.localhost:4800", "my.bucket.s3.localhost"]
)
def test_s3_in_virtual_host_style(served, bucket, host):
    scope = "AWS4-HMAC-SHA256 Credential=A/20250101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    status, text = served.http("GET", "/dir/%C3%BC%20%2B%252F", Authorization=scope, Host=host)
    assert (status, text[:5]) == (200, "hello")


def test_s3_presigned(served, bucket):
    url = bucket.generate_presigned_url("get_object", Params={"Bucket": "my.bucket", "Key": "dir/ü +%2F"})
    parts = urlsplit(url)
    status, text = served.http("GET", f"{parts.path}?{parts.query}")
    assert (status, len(text)) == (200, 5000)


def test_a_chunked_body_is_put_together(served, bucket):
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc)
    scope = "AWS4-HMAC-SHA256 Credential=A/20250101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    connection.request(
        "PUT", "/my.bucket/chunked", iter([b"one ", b"two ", b"three"]), {"Authorization": scope}, encode_chunked=True
    )
    assert connection.getresponse().status == 200
    connection.close()
    assert bucket.get_object(Bucket="my.bucket", Key="chunked")["Body"].read() == b"one two three"


def test_a_body_that_is_cut_short_is_no_call(served, bucket):
    scope = "AWS4-HMAC-SHA256 Credential=A/20250101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc)
    connection.putrequest("PUT", "/my.bucket/half")
    for name, value in (("Authorization", scope), ("Content-Length", "10")):
        connection.putheader(name, value)
    connection.endheaders(b"half")
    connection.sock.shutdown(socket.SHUT_WR)
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()
    with pytest.raises(bucket.exceptions.NoSuchKey):
        bucket.get_object(Bucket="my.bucket", Key="half")


# --- the control endpoint -----------------------------------------------------------------------------------


def test_health_and_clock(virtual):
    assert virtual.control("GET", "health")[1] == {
        "status": "ok",
        "version": virtual.control("GET", "health")[1]["version"],
        "account_id": "111111111111",
        "region": "eu-west-1",
        "now": "2025-01-06T09:00:00+00:00",
    }
    virtual.account.clock.ticker.after(60, lambda: None, "something")
    assert virtual.control("GET", "clock") == (
        200,
        {
            "now": "2025-01-06T09:00:00+00:00",
            "virtual": True,
            "pending": [{"when": "2025-01-06T09:01:00+00:00", "name": "something"}],
            "failures": [],
        },
    )


def test_advance_moves_time_and_lets_things_happen(virtual):
    def make() -> None:
        virtual.account.client("logs").create_log_group(logGroupName="/scheduled")

    virtual.account.clock.ticker.after(3600, make, "a log group")
    assert virtual.control("POST", "advance", {"seconds": 3599})[1]["now"] == "2025-01-06T09:59:59+00:00"
    assert virtual.client("logs").describe_log_groups()["logGroups"] == []
    virtual.control("POST", "advance", {"to": "2025-01-06T10:00:00+00:00"})
    [group] = virtual.client("logs").describe_log_groups()["logGroups"]
    assert group["creationTime"] == int(datetime(2025, 1, 6, 10, tzinfo=UTC).timestamp() * 1000)


def test_advances_at_the_same_time_add_up(virtual):
    threads = [threading.Thread(target=virtual.control, args=("POST", "advance", {"seconds": 100})) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert virtual.control("GET", "clock")[1]["now"] == "2025-01-06T09:06:40+00:00"


@pytest.mark.parametrize(
    ("method", "name", "body", "status", "message"),
    [
        ("POST", "advance", {"seconds": -1}, 400, "time cannot go back"),
        ("POST", "advance", {"minutes": 1}, 400, 'say {"seconds": 3600}'),
        ("POST", "advance", [], 400, "the body must be a JSON object"),
        ("POST", "faults", {"max_fires": 1}, 400, "a fault has no max_fires"),
        ("GET", "nothing", None, 404, "is unknown; there is GET /_baseops/health"),
        ("DELETE", "clock", None, 404, "DELETE /_baseops/clock is unknown"),
    ],
)
def test_what_is_asked_wrongly_is_said(virtual, method, name, body, status, message):
    answer = virtual.control(method, name, body)
    assert answer[0] == status
    assert message in answer[1]["error"]


def test_faults_by_control(virtual):
    rule = {"service": "logs", "operation": "DescribeLogGroups", "error": "ThrottlingException", "times": 1}
    assert virtual.control("POST", "faults", rule)[1]["faults"][0]["error"] == "ThrottlingException"
    with pytest.raises(ClientError, match="ThrottlingException"):
        virtual.client("logs").describe_log_groups()
    struck = [{"service": "logs", "operation": "DescribeLogGroups"}]
    assert virtual.control("GET", "faults") == (200, {"faults": [], "struck": struck})
    virtual.control("POST", "faults", {"error": "InternalError"})
    assert virtual.control("DELETE", "faults")[1]["faults"] == []


def test_time_that_runs_by_itself_is_not_moved(served):
    status, answer = served.control("POST", "advance", {"seconds": 1})
    assert (status, answer["error"]) == (400, "time cannot be moved: it runs by itself here. Serve with --virtual")


def test_web_pages_have_no_control(virtual):
    status, _ = virtual.http("POST", "/_baseops/advance", '{"seconds": 5}', Origin="https://elsewhere.example")
    assert status == 403


# --- the process --------------------------------------------------------------------------------------------


def test_it_listens_on_loopback_only(served):
    assert urlsplit(served.url).hostname == "127.0.0.1"


def test_a_port_in_use_is_said(served):
    port = urlsplit(served.url).port
    with pytest.raises(SandboxError, match=f"the sandbox cannot listen on 127.0.0.1:{port}"):
        Server(served.account, port)


def test_serve_ends_when_told():
    stop = threading.Event()
    seen = []

    def ready(url: str) -> None:
        seen.append(url)
        stop.set()

    with open_account(speed=1) as account:
        serve(account, ready=ready, stop=stop)
    assert seen[0].startswith("http://127.0.0.1:")


def _environment(endpoint: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "AKIA111111111111OPER",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": os.devnull,
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_a_signal_and_leaves_cleanly(number):
    command = [sys.executable, "-m", "baseops", "sandbox", "up", "--port", "0", "-o", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline()]
        while lines[-1].rstrip() != "}":
            lines.append(process.stdout.readline())
        document = json.loads("".join(lines))
        assert document["schema"] == "baseops/sandbox/1"
        client = SESSION.create_client(
            "sts",
            region_name="eu-west-1",
            endpoint_url=document["endpoint"],
            aws_access_key_id=document["environment"]["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key="sandbox",
        )
        assert client.get_caller_identity()["Account"] == "111111111111"
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert errors.splitlines()[-1] == "stopped; the account is gone"
    assert "Traceback" not in errors


@pytest.mark.judge
@pytest.mark.skipif(not AWS_CLI.exists(), reason="the aws CLI is not in an environment beside the repository")
def test_the_stock_aws_cli(served, tmp_path):
    def aws(*arguments: str) -> Any:
        done = subprocess.run(
            [str(AWS_CLI), *arguments], env=_environment(served.url), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout

    assert aws("sts", "get-caller-identity")["Account"] == "111111111111"
    aws("logs", "create-log-group", "--log-group-name", "/a")
    assert aws("logs", "describe-log-groups")["logGroups"][0]["logGroupName"] == "/a"
    aws("s3", "mb", "s3://my-bucket")
    file = tmp_path / "h.txt"
    file.write_text("hello")
    aws("s3", "cp", str(file), "s3://my-bucket/dir/h.txt")
    assert aws("s3", "cp", "s3://my-bucket/dir/h.txt", "-") == "hello"
    assert "dir/h.txt" in aws("s3", "ls", "--recursive", "s3://my-bucket")
    assert aws("ec2", "describe-volumes")["Volumes"] == []
    assert aws("cloudwatch", "describe-alarms")["MetricAlarms"] == []
    assert aws("sesv2", "list-email-identities")["EmailIdentities"] == []
    assert aws("cloudformation", "list-stacks")["StackSummaries"] == []
    refused = subprocess.run(
        [str(AWS_CLI), "healthlake", "list-fhir-datastores"],
        env=_environment(served.url),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "The sandbox has no service healthlake" in refused.stderr


# --- CBOR ---------------------------------------------------------------------------------------------------


class CborClient:
    """Speaks RPC v2 CBOR to CloudWatch, as newer SDKs do (botocore still prefers JSON)."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.model = SESSION.get_service_model("cloudwatch")

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        model = self.model.operation_model(operation)
        request = create_serializer("smithy-rpc-v2-cbor").serialize_to_request(members, model)
        connection = http.client.HTTPConnection(urlsplit(self.served.url).netloc)
        scope = "Credential=A/20250101/eu-west-1/monitoring/aws4_request, SignedHeaders=host, Signature=0"
        headers = {**request["headers"], "Authorization": f"AWS4-HMAC-SHA256 {scope}"}
        connection.request("POST", request["url_path"], request["body"], headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.getheader("smithy-protocol") == "rpc-v2-cbor"
        response = {"status_code": answer.status, "headers": dict(answer.getheaders()), "body": body}
        return dict(create_parser("smithy-rpc-v2-cbor").parse(response, model.output_shape))


def test_cloudwatch_is_answered_in_cbor(served):
    client = CborClient(served)
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251
    data = {"MetricName": "Errors", "Value": 2.5, "Timestamp": now, "Unit": "Count"}
    client.call("PutMetricData", Namespace="acme", MetricData=[data])
    [metric] = client.call("ListMetrics", Namespace="acme")["Metrics"]
    assert metric["MetricName"] == "Errors"
    statistics = client.call(
        "GetMetricStatistics",
        Namespace="acme",
        MetricName="Errors",
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=60,
        Statistics=["Sum"],
    )
    assert [point["Sum"] for point in statistics["Datapoints"]] == [2.5]


def test_an_error_is_answered_in_cbor(served):
    answer = CborClient(served).call("GetDashboard", DashboardName="none")
    assert answer["Error"]["Code"] == "ResourceNotFound"


def test_a_body_that_is_no_cbor_is_refused(served):
    scope = "AWS4-HMAC-SHA256 Credential=A/20250101/eu-west-1/monitoring/aws4_request, SignedHeaders=host, Signature=0"
    status, text = served.http(
        "POST",
        "/service/GraniteServiceVersion20100801/operation/ListMetrics",
        "\x1c broken",
        Authorization=scope,
        **{"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"},
    )
    assert (status, "SerializationException" in text) == (400, True)


def test_s3_is_routed_after_a_client_in_process_was_made(served):
    served.account.client("s3").list_buckets()
    served.client("s3").create_bucket(Bucket="routed", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert [each["Name"] for each in served.account.client("s3").list_buckets()["Buckets"]] == ["routed"]
