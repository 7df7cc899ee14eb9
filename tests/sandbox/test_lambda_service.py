"""Lambda in the sandbox: Python code really runs, sees the sandbox, and little else."""

from __future__ import annotations

import base64
import json
import time
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from baseops.sandbox.kinds.lambda_ import _code

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


@pytest.fixture
def role(account) -> str:
    iam = account.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": TRUST})
    made = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.put_role_policy(RoleName="worker", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    return str(made)


@pytest.fixture
def function(account, role):
    def make(source: str, **more) -> None:
        account.client("lambda").create_function(
            FunctionName="work",
            Handler="index.handle",
            Code=_code({"ZipFile": source}),
            **{"Role": role, "Runtime": "python3.13", "Timeout": 20, **more},
        )

    return make


def invoke(account, event: object = None, **more):
    answer = account.client("lambda").invoke(FunctionName="work", Payload=json.dumps(event).encode(), **more)
    payload = answer["Payload"].read()
    return answer, json.loads(payload) if payload else None


def log(account, group: str = "/aws/lambda/work") -> list[str]:
    return [each["message"] for each in account.client("logs").filter_log_events(logGroupName=group)["events"]]


def counted(account, metric: str) -> list[float]:
    answer = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": "work"}],
        StartTime=account.clock.now() - timedelta(hours=1),
        EndTime=account.clock.now(),
        Period=3600,
        Statistics=["Sum"],
    )
    return [each["Sum"] for each in answer["Datapoints"]]


def test_a_function_gets_its_event_environment_and_context(account, function):
    function(
        "import os\n"
        "def handle(event, context):\n"
        "    return [event, os.environ['MODE'], os.environ['AWS_REGION'], context.function_name,"
        " context.get_remaining_time_in_millis() > 0]\n",
        Environment={"Variables": {"MODE": "test"}},
    )
    answer, result = invoke(account, {"a": 1})
    assert (answer["StatusCode"], "FunctionError" in answer) == (200, False)
    assert result == [{"a": 1}, "test", "eu-west-1", "work", True]


def test_its_calls_reach_the_sandbox_in_the_name_of_its_role(account, function):
    account.client("ssm", "us-east-1").put_parameter(Name="/a", Type="String", Value="found")
    function(
        "import boto3\n"
        "def handle(event, context):\n"
        "    there = boto3.client('ssm', region_name='us-east-1').get_parameter(Name='/a')['Parameter']['Value']\n"
        "    boto3.client('s3').create_bucket(Bucket='made-by-work',"
        " CreateBucketConfiguration={'LocationConstraint': 'eu-west-1'})\n"
        "    boto3.client('s3').put_object(Bucket='made-by-work', Key='k', Body=b'x' * 200000)\n"
        "    return [there, boto3.client('sts').get_caller_identity()['Arn']]\n"
    )
    _, result = invoke(account)
    assert result == ["found", "arn:aws:sts::111111111111:assumed-role/worker/work"]
    assert account.client("s3").head_object(Bucket="made-by-work", Key="k")["ContentLength"] == 200000


def test_an_error_of_the_sandbox_is_the_function_s_to_handle(account, function):
    function(
        "import boto3\n"
        "def handle(event, context):\n"
        "    client = boto3.client('ssm')\n"
        "    try:\n"
        "        client.get_parameter(Name='/nobody')\n"
        "    except client.exceptions.ParameterNotFound:\n"
        "        return 'not found'\n"
    )
    assert invoke(account)[1] == "not found"


def test_it_sees_the_runtime_s_packages_and_no_others(account, function):
    function(
        "import importlib.util\n"
        "def handle(event, context):\n"
        "    return [name for name in event if importlib.util.find_spec(name)]\n"
    )
    assert invoke(account, ["json", "boto3", "pydantic", "moto", "baseops"])[1] == ["json", "boto3"]


def test_what_it_raises_is_its_answer_and_its_log(account, function):
    function("def handle(event, context):\n    print('before')\n    raise ValueError('broken')\n")
    answer, result = invoke(account, LogType="Tail")
    assert answer["FunctionError"] == "Unhandled"
    assert (result["errorType"], result["errorMessage"]) == ("ValueError", "broken")
    assert base64.b64decode(answer["LogResult"]).decode().startswith("before\n[ERROR] ValueError: broken\n")
    lines = log(account)
    assert lines[0].startswith("START RequestId: ")
    assert "before" in lines
    assert lines[-1].startswith("REPORT RequestId: ")


def test_one_that_ends_the_process_or_takes_too_long_is_ended(account, function):
    function(
        "import os\ndef handle(event, context):\n    if event:\n        os._exit(3)\n    while True:\n        pass\n",
        Timeout=1,
    )
    assert invoke(account, 1)[1]["errorMessage"] == "Runtime exited with error: exit status 3"
    assert invoke(account, 0)[1]["errorMessage"].endswith("Task timed out after 1.00 seconds")


def test_nobody_waits_while_it_sleeps_but_its_time_passes(account, function):
    function(
        "import time\n"
        "def handle(event, context):\n"
        "    before = time.time()\n"
        "    time.sleep(event)\n"
        "    return [round(time.time() - before), context.get_remaining_time_in_millis() // 10000]\n",
        Timeout=900,
    )
    begun = time.monotonic()
    assert invoke(account, 600)[1] == [600, 29]
    assert invoke(account, 901)[1]["errorMessage"].endswith("Task timed out after 900.00 seconds")
    assert time.monotonic() - begun < 20


def test_it_reaches_nobody_beyond_this_machine_and_learns_so_at_once(account, function):
    function(
        "import socket, urllib.error, urllib.request\n"
        "def handle(event, context):\n"
        "    told = []\n"
        "    for url in ('https://receiver.example/', 'http://192.0.2.1/'):\n"
        "        try:\n"
        "            urllib.request.urlopen(url, timeout=15)\n"
        "        except urllib.error.URLError as error:\n"
        "            told.append(error.reason.strerror)\n"
        "    with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "        socket.create_connection(server.getsockname()).close()\n"
        "    return told\n"
    )
    assert invoke(account)[1] == ["Name or service not known", "Network is unreachable"]


def test_a_receiver_that_the_account_knows_answers(account, function):
    function(
        "import urllib.error, urllib.request\n"
        "def handle(event, context):\n"
        "    try:\n"
        "        with urllib.request.urlopen('https://receiver.example/', b'a') as answer:\n"
        "            return answer.status\n"
        "    except urllib.error.HTTPError as error:\n"
        "        return error.code\n"
    )
    account.answer_for("receiver.example")
    assert invoke(account)[1] == 200
    account.answer_for("receiver.example", 503)
    assert invoke(account)[1] == 503


def test_what_cannot_be_kept_as_a_dead_letter_is_counted(account, function):
    arn = "arn:aws:sqs:eu-west-1:111111111111:nowhere"
    function("def handle(event, context):\n    raise ValueError(event)\n", DeadLetterConfig={"TargetArn": arn})
    invoke(account, {"n": 1}, InvocationType="Event")
    account.clock.advance(by=600)

    assert counted(account, "AsyncEventsDropped") == [1.0]
    assert counted(account, "DeadLetterErrors") == [1.0]


def test_an_event_is_worked_on_later_and_tried_three_times(account, function):
    queue = account.client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    arn = "arn:aws:sqs:eu-west-1:111111111111:dead"
    function("def handle(event, context):\n    raise ValueError(event)\n", DeadLetterConfig={"TargetArn": arn})
    answer, result = invoke(account, {"n": 1}, InvocationType="Event")
    assert (answer["StatusCode"], result) == (202, None)
    account.clock.advance(by=600)
    assert len([line for line in log(account) if line.startswith("START")]) == 3
    (message,) = account.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"]) == {"n": 1}


def test_its_invocations_and_errors_are_counted(account, function):
    function("def handle(event, context):\n    return 1 / event\n")
    for event in (1, 0, 0):
        invoke(account, event)
    found = account.client("cloudwatch").list_metrics(Namespace="AWS/Lambda", MetricName="Errors")["Metrics"]
    assert found[0]["Dimensions"] == [{"Name": "FunctionName", "Value": "work"}]


def test_its_log_goes_where_its_configuration_says_as_json(account, function):
    account.client("logs").create_log_group(logGroupName="/acme/work")
    function(
        "import logging\n"
        "def handle(event, context):\n"
        "    logging.getLogger().setLevel('INFO')\n"
        "    logging.info('hello %s', event)\n",
        LoggingConfig={"LogGroup": "/acme/work", "LogFormat": "JSON"},
    )
    invoke(account, "you")
    (line,) = [json.loads(each) for each in log(account, "/acme/work") if each.startswith("{")]
    assert (line["level"], line["message"]) == ("INFO", "hello you")


def test_new_code_runs_from_then_on(account, function):
    function("def handle(event, context):\n    return 1\n")
    assert invoke(account)[1] == 1
    code = _code({"ZipFile": "def handle(event, context):\n    return 2\n"})
    account.client("lambda").update_function_code(FunctionName="work", **code)
    assert invoke(account)[1] == 2


def test_a_role_that_does_not_trust_lambda_is_refused(account, function):
    iam = account.client("iam")
    iam.create_role(RoleName="other", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        function("", Role="arn:aws:iam::111111111111:role/other")


def test_other_runtimes_are_refused_in_words(account, function):
    function("x", Runtime="nodejs22.x")
    with pytest.raises(ClientError, match="The sandbox runs Python functions from zip packages, not nodejs22"):
        invoke(account)


def test_a_function_nobody_made_is_not_found(account):
    with pytest.raises(ClientError) as refused:
        invoke(account)
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_module_that_cannot_be_imported_is_an_error_of_the_runtime(account, function):
    function("import nothing_of_that_name\n")
    answer, result = invoke(account)
    assert answer["FunctionError"] == "Unhandled"
    assert result["errorType"] == "Runtime.ImportModuleError"
    assert result["errorMessage"] == "Unable to import module 'index': No module named 'nothing_of_that_name'"
