"""Accounts open fresh and close without a trace; principals; forked copies."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from baseops.errors import AwsError, SandboxError
from baseops.sandbox.account import open_account
from baseops.sandbox.service import ServiceError

START = datetime(2025, 1, 1, tzinfo=UTC)
HERE = {"LocationConstraint": "eu-west-1"}
TRUST = '{"Version": "2012-10-17", "Statement": []}'


def groups(account, region: str | None = None) -> list[str]:
    answer = account.client("logs", region).describe_log_groups()
    return [group["logGroupName"] for group in answer["logGroups"]]


# --- opening and closing ------------------------------------------------------------------------------------


def test_a_second_account_begins_empty():
    for _ in range(2):
        with open_account() as account:
            assert groups(account) == []
            assert account.client("s3").list_buckets()["Buckets"] == []
            account.client("logs").create_log_group(logGroupName="/a")
            account.client("s3").create_bucket(Bucket="only-one", CreateBucketConfiguration=HERE)
            account.client("s3").put_object(Bucket="only-one", Key="k", Body=b"x" * 100_000)


def test_two_accounts_at_once_are_refused(account):
    with pytest.raises(SandboxError, match="Close the first, or use clients_of"):
        open_account()


@pytest.mark.parametrize("account_id", ["1", "abcdefghijkl", "1234567890123"])
def test_an_account_id_has_twelve_digits(account_id):
    with pytest.raises(SandboxError, match="it must have twelve digits"):
        open_account(account_id)
    with open_account():
        pass


def test_the_process_has_virtual_time_only_while_the_account_is_open():
    with open_account(start=START) as account:
        account.clock.sleep(90)
        assert datetime.now(UTC) == START + timedelta(seconds=90)  # noqa: TID251
        assert time.time() == (START + timedelta(seconds=90)).timestamp()
    assert datetime.now(UTC) > START + timedelta(days=300)  # noqa: TID251


def test_moto_tells_virtual_time():
    with open_account(start=START) as account:
        account.clock.sleep(3600)
        account.client("logs").create_log_group(logGroupName="/a")
        [group] = account.client("logs").describe_log_groups()["logGroups"]
        assert group["creationTime"] == int((START + timedelta(hours=1)).timestamp() * 1000)


def test_closing_twice_does_no_harm():
    account = open_account()
    account.close()
    account.close()


def test_a_temporary_folder_goes_and_a_given_one_stays(tmp_path):
    with open_account() as account:
        temporary = account.folder
        assert temporary.is_dir()
    assert not temporary.exists()
    with open_account(folder=tmp_path / "blocks") as account:
        (account.folder / "block").write_bytes(b"x")
    assert (tmp_path / "blocks" / "block").read_bytes() == b"x"


def test_what_failed_by_schedule_is_raised_at_the_end(caplog):
    def run() -> None:
        with open_account(start=START) as account:
            account.clock.ticker.after(5, lambda: {}["gone"], "nightly snapshot")
            account.clock.sleep(10)

    with pytest.raises(SandboxError, match="nightly snapshot at 2025-01-01 00:00:05: KeyError: 'gone'"):
        run()


def test_an_error_of_the_runner_is_not_hidden_by_one_of_the_schedule(caplog):
    def run() -> None:
        with open_account(start=START) as account:
            account.clock.ticker.after(5, lambda: {}["gone"], "nightly snapshot")
            account.clock.sleep(10)
            raise RuntimeError("the runner's own")

    with pytest.raises(RuntimeError, match="the runner's own"):
        run()


def test_the_user_s_aws_configuration_is_not_read(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    with open_account() as account:
        assert groups(account) == []
        assert account.client("ec2").describe_volumes()["Volumes"] == []


# --- clients ------------------------------------------------------------------------------------------------


def test_clients_are_shared(account):
    assert account.client("logs") is account.client("logs", "eu-west-1")
    assert account.client("logs") is not account.client("logs", "us-east-1")


def test_regions_are_apart(account):
    account.client("logs").create_log_group(logGroupName="/a")
    assert groups(account, "us-east-1") == []


def test_accounts_are_apart_but_bucket_names_are_not(account):
    account.client("s3").create_bucket(Bucket="taken", CreateBucketConfiguration=HERE)
    other = account.clients_of("222222222222")
    assert other.client("s3").list_buckets()["Buckets"] == []
    assert other.client("sts").get_caller_identity()["Account"] == "222222222222"
    with pytest.raises(ClientError, match="BucketAlreadyExists"):
        other.client("s3").create_bucket(Bucket="taken", CreateBucketConfiguration=HERE)


def test_waiters_are_refused(account):
    with pytest.raises(SandboxError, match="botocore's waiter snapshot_completed cannot wait in the sandbox"):
        account.client("ec2").get_waiter("snapshot_completed")


def test_bodies_travel_both_ways(account):
    s3 = account.client("s3")
    s3.create_bucket(Bucket="bodies", CreateBucketConfiguration=HERE)
    body = bytes(range(256)) * 5000
    s3.put_object(Bucket="bodies", Key="dir/k ü+%2F", Body=body, Metadata={"with_underscore": "1"})
    answer = s3.get_object(Bucket="bodies", Key="dir/k ü+%2F", Range="bytes=10-19")
    assert answer["Body"].read() == body[10:20]
    assert answer["Metadata"] == {"with_underscore": "1"}
    with (Path(__file__)).open("rb") as file:
        s3.put_object(Bucket="bodies", Key="file", Body=file)
    assert s3.head_object(Bucket="bodies", Key="file")["ContentLength"] == Path(__file__).stat().st_size


def test_many_threads_may_call_at_once(account):
    def make(number: int) -> None:
        for index in range(10):
            account.client("logs").create_log_group(logGroupName=f"/{number}/{index}")

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pages = account.client("logs").get_paginator("describe_log_groups").paginate()
    assert sum(len(page["logGroups"]) for page in pages) == 80


# --- principals ---------------------------------------------------------------------------------------------


def test_the_operator_looks_like_an_administrator(account):
    answer = account.client("sts").get_caller_identity()
    assert (answer["Account"], answer["Arn"]) == ("111111111111", "arn:aws:iam::111111111111:user/operator")


def test_an_assumed_role_is_who_it_says(account):
    role = account.client("iam").create_role(RoleName="web", Path="/app/", AssumeRolePolicyDocument=TRUST)["Role"]
    clients = account.session_as(role["Arn"], "drill")
    assert clients.client("sts").get_caller_identity()["Arn"] == "arn:aws:sts::111111111111:assumed-role/web/drill"


def test_a_role_that_does_not_exist_cannot_be_assumed(account):
    with pytest.raises(ClientError) as caught:
        account.session_as("arn:aws:iam::111111111111:role/nobody")
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    assert "is not authorized to perform: sts:AssumeRole on resource" in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("logs", "describe_log_groups", "ExpiredTokenException"),
        ("sns", "list_topics", "ExpiredToken"),
        ("ec2", "describe_volumes", "RequestExpired"),
    ],
)
def test_a_session_expires(account, service, operation, code):
    role = account.client("iam").create_role(RoleName="web", AssumeRolePolicyDocument=TRUST)["Role"]
    client = account.session_as(role["Arn"]).client(service)
    getattr(client, operation)()
    account.clock.sleep(3601)
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)()
    assert caught.value.response["Error"]["Code"] == code


def test_recorders_and_authorisers_see_every_call(account):
    seen = []
    role = account.client("iam").create_role(RoleName="web", AssumeRolePolicyDocument=TRUST)["Role"]
    clients = account.session_as(role["Arn"])

    def authorise(call) -> None:
        if call.principal.role_arn and call.operation == "CreateLogGroup":
            raise ServiceError("no", code="AccessDeniedException")

    account.authorise(authorise)
    account.record(lambda call, answer: seen.append((call.operation, call.principal.role_arn, answer.error_code)))
    clients.client("logs").describe_log_groups()
    with pytest.raises(ClientError, match="AccessDeniedException"):
        clients.client("logs").create_log_group(logGroupName="/a")
    account.client("logs").create_log_group(logGroupName=f"/{1}")
    assert seen == [
        ("DescribeLogGroups", role["Arn"], None),
        ("CreateLogGroup", role["Arn"], "AccessDeniedException"),
        ("CreateLogGroup", None, None),
    ]


# --- copies -------------------------------------------------------------------------------------------------


def test_a_copy_goes_on_alone(account):
    account.client("logs").create_log_group(logGroupName="/before")

    def sabotage() -> tuple[list[str], datetime]:
        account.client("logs").delete_log_group(logGroupName="/before")
        account.clock.gather([lambda: account.clock.sleep(60), lambda: account.clock.sleep(30)])
        account.client("logs").create_log_group(logGroupName="/copy")
        return groups(account), account.clock.now()

    before = account.clock.now()
    assert account.fork(sabotage) == (["/copy"], before + timedelta(seconds=60))
    assert groups(account) == ["/before"]
    assert account.clock.now() == before


def test_a_copy_can_be_taken_after_gather(account):
    account.clock.gather([lambda: account.clock.sleep(5), lambda: account.clock.sleep(9)])
    assert account.fork(lambda: groups(account)) == []


def test_copies_may_run_side_by_side(account):
    copies = [account.start_copy(lambda number=number: (number, os.getpid())) for number in range(3)]
    results = [copy.result() for copy in copies]
    assert [number for number, _ in results] == [0, 1, 2]
    assert len({process for _, process in results} | {os.getpid()}) == 4


def test_a_copy_writes_to_a_folder_of_its_own(account):
    (account.folder / "shared").write_text("immutable")

    def work() -> str:
        (account.folder / "own").write_text("x")
        return account.folder.name

    assert account.fork(work) == "copy-1"
    assert not (account.folder / "own").exists()
    assert (account.folder / "copy-1" / "own").exists()


def test_what_a_copy_raises_is_raised_here(account):
    def fail() -> None:
        raise AwsError("bucket b", "gone", "Run: ls", code="NoSuchBucket")

    with pytest.raises(AwsError, match=r"bucket b: gone\. Run: ls") as caught:
        account.fork(fail)
    assert caught.value.code == "NoSuchBucket"
    assert "In a copy of the sandbox" in caught.value.__notes__[0]


def test_a_client_error_comes_over_whole(account):
    with pytest.raises(ClientError) as caught:
        account.fork(lambda: account.client("logs").delete_log_group(logGroupName="/none"))
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_an_error_that_cannot_travel_comes_as_text(account):
    class Local(Exception):  # noqa: N818
        pass

    def fail() -> None:
        raise Local("only here")

    with pytest.raises(SandboxError, match="a copy of the sandbox failed: Local: only here"):
        account.fork(fail)


def test_a_copy_that_dies_is_reported(account):
    with pytest.raises(SandboxError, match="a copy of the sandbox died: it ended with status 9"):
        account.fork(lambda: os._exit(9))


def test_no_copy_while_a_thread_lives(account):
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="busy")
    thread.start()
    try:
        with pytest.raises(SandboxError, match="threads are alive that a fork would leave behind: busy"):
            account.fork(lambda: None)
    finally:
        end.set()
        thread.join()


# --- stock images -------------------------------------------------------------------------------------------

PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1", "ap-southeast-2"])
def test_the_public_parameter_names_an_image_of_the_region(region):
    with open_account(start=datetime(2025, 1, 8, tzinfo=UTC)) as account:
        [identity] = [
            each["Value"] for each in account.client("ssm", region).get_parameters(Names=[PARAMETER])["Parameters"]
        ]
        [image] = account.client("ec2", region).describe_images(ImageIds=[identity])["Images"]
        assert image["Name"] == "al2023-ami-2023.6.20250107.0-kernel-6.1-x86_64"
        assert (image["Architecture"], image["OwnerId"], image["RootDeviceName"]) == (
            "x86_64",
            "137112412989",
            "/dev/xvda",
        )
        assert image["CreationDate"] == "2025-01-07T00:00:00.000Z"


def test_stock_images_are_few_and_have_fixed_ids(account):
    images = account.client("ec2").describe_images(Owners=["amazon"])["Images"]
    assert sorted(image["Name"] for image in images) == [
        "al2023-ami-2023.6.20241231.0-kernel-6.1-arm64",
        "al2023-ami-2023.6.20241231.0-kernel-6.1-x86_64",
        "al2023-ami-minimal-2023.6.20241231.0-kernel-6.1-x86_64",
    ]
    found = account.client("ssm").get_parameters_by_path(Path="/aws/service/ami-amazon-linux-latest/")
    assert len(found["Parameters"]) == 6
    assert account.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"] == "ami-0e3549ce28d494b91"


def test_instance_types_are_still_offered(account):
    offers = account.client("ec2").describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": ["t3.micro"]}]
    )["InstanceTypeOfferings"]
    assert sorted(offer["Location"] for offer in offers) == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]


def test_an_instance_starts_from_a_stock_image(account):
    image = account.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"]
    [instance] = account.client("ec2").run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1)[
        "Instances"
    ]
    assert instance["ImageId"] == image


# --- the lock -----------------------------------------------------------------------------------------------


def test_a_service_that_waits_for_a_process_may_let_its_calls_through(account):
    def call_from_outside() -> None:
        account.client("logs").create_log_group(logGroupName="/from-the-function")

    def invoke() -> None:
        with account.unlocked():
            thread = threading.Thread(target=call_from_outside)
            thread.start()
            thread.join(20)
            assert not thread.is_alive()

    account.client("logs").create_log_group(logGroupName="/first")
    with account.lock, account.lock:
        invoke()
        assert account.lock._is_owned()
    assert groups(account) == ["/first", "/from-the-function"]
