"""With enforcement on, a role may do what its policies say and is refused the rest in AWS's words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from baseops.sandbox.service_access import AccessError, Sender, role_session

HERE = {"LocationConstraint": "eu-west-1"}
ROLE = "arn:aws:iam::111111111111:role/reader"
SESSION = "arn:aws:sts::111111111111:assumed-role/reader/sandbox"
TRUST = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def make_role(account, *statements: dict[str, Any], name: str = "reader", **more: Any) -> str:
    role = account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document(TRUST), **more)["Role"]
    if statements:
        put_policy(account, *statements, name=name)
    return str(role["Arn"])


def put_policy(account, *statements: dict[str, Any], name: str = "reader") -> None:
    account.client("iam").put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))


def enforced(account, *statements: dict[str, Any], **more: Any):
    """The clients of a role with these statements, under enforcement."""
    arn = make_role(account, *statements, **more)
    account.enforce()
    return account.session_as(arn)


def refused(call, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_without_enforcement_nobody_is_refused(account):
    clients = account.session_as(make_role(account))
    assert clients.client("ssm").describe_parameters()["Parameters"] == []


def test_the_operator_may_do_everything(account):
    account.enforce()
    assert account.client("ssm").describe_parameters()["Parameters"] == []
    assert account.client("sts").get_caller_identity()["Account"] == "111111111111"


def test_a_role_without_policies_may_only_ask_who_it_is(account):
    clients = enforced(account)
    assert clients.client("sts").get_caller_identity()["Arn"] == SESSION
    code, message = refused(clients.client("ssm").describe_parameters)
    assert code == "AccessDeniedException"
    assert message == (
        f"User: {SESSION} is not authorized to perform: ssm:DescribeParameters on resource: * because no "
        "identity-based policy allows the ssm:DescribeParameters action"
    )


# --- secrets and parameters ---------------------------------------------------------------------------------


def test_a_secret_is_found_by_name_and_by_arn_and_another_is_refused(account):
    secrets = account.client("secretsmanager")
    own = secrets.create_secret(Name="app/db", SecretString="pw")["ARN"]
    other = secrets.create_secret(Name="app/other", SecretString="pw")["ARN"]
    read = enforced(account, allow("secretsmanager:GetSecretValue", own)).client("secretsmanager").get_secret_value
    assert read(SecretId="app/db")["SecretString"] == "pw"
    assert read(SecretId=own)["SecretString"] == "pw"
    code, message = refused(read, SecretId="app/other")
    assert code == "AccessDeniedException"
    assert f"secretsmanager:GetSecretValue on resource: {other} because no identity-based policy" in message


def test_a_secret_that_is_not_there_is_refused_before_it_is_missed(account):
    read = enforced(account, allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:a-??????"))
    assert refused(read.client("secretsmanager").get_secret_value, SecretId="b")[0] == "AccessDeniedException"


def test_a_batch_names_each_secret_that_may_not_be_read(account):
    secrets = account.client("secretsmanager")
    own = secrets.create_secret(Name="a", SecretString="1")["ARN"]
    secrets.create_secret(Name="b", SecretString="2")
    clients = enforced(
        account, allow("secretsmanager:BatchGetSecretValue"), allow("secretsmanager:GetSecretValue", own)
    )
    answer = clients.client("secretsmanager").batch_get_secret_value(SecretIdList=["a", "b"])
    assert [each["Name"] for each in answer["SecretValues"]] == ["a"]
    assert [(each["SecretId"], each["ErrorCode"]) for each in answer["Errors"]] == [("b", "AccessDeniedException")]


def test_a_secret_s_own_policy_lets_in_and_keeps_out(account):
    secrets = account.client("secretsmanager")
    secrets.create_secret(Name="a", SecretString="1")
    secrets.create_secret(Name="b", SecretString="2")
    arn = make_role(account, allow("secretsmanager:*"), name="wide")
    other = make_role(account, name="narrow")
    deny = {"Effect": "Deny", "Principal": {"AWS": arn}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    secrets.put_resource_policy(SecretId="a", ResourcePolicy=document(deny))
    secrets.put_resource_policy(
        SecretId="b", ResourcePolicy=document({**deny, "Effect": "Allow", "Principal": {"AWS": other}})
    )
    account.enforce()
    wide = account.session_as(arn).client("secretsmanager").get_secret_value
    narrow = account.session_as(other).client("secretsmanager").get_secret_value
    assert refused(wide, SecretId="a")[1].endswith("with an explicit deny in a resource-based policy")
    assert wide(SecretId="b")["SecretString"] == "2"
    assert narrow(SecretId="b")["SecretString"] == "2"
    assert refused(narrow, SecretId="a")[0] == "AccessDeniedException"


def test_who_may_read_a_path_reads_what_is_denied_below_it(account):
    ssm = account.client("ssm")
    ssm.put_parameter(Name="/app/db", Value="v", Type="String")
    arn = "arn:aws:ssm:eu-west-1:111111111111:parameter"
    clients = enforced(
        account,
        allow("ssm:GetParametersByPath", f"{arn}/app"),
        {"Effect": "Deny", "Action": "ssm:*", "Resource": f"{arn}/app/db"},
    ).client("ssm")
    assert refused(clients.get_parameter, Name="/app/db")[0] == "AccessDeniedException"
    [found] = clients.get_parameters_by_path(Path="/app", Recursive=True)["Parameters"]
    assert found["Name"] == "/app/db"


def test_the_condition_on_the_recursive_read_is_heard(account):
    clients = enforced(
        account, allow("ssm:GetParametersByPath", Condition={"StringEquals": {"ssm:Recursive": "false"}})
    ).client("ssm")
    assert clients.get_parameters_by_path(Path="/a")["Parameters"] == []
    assert refused(clients.get_parameters_by_path, Path="/a", Recursive=True)[0] == "AccessDeniedException"


# --- keys -----------------------------------------------------------------------------------------------------


def make_key(account, *statements: dict[str, Any]) -> str:
    root = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*"}
    policy = document({**root, "Resource": "*"}, *statements)
    return str(account.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"])


def test_an_encrypted_secret_needs_its_key_too(account):
    key = make_key(account)
    account.client("secretsmanager").create_secret(Name="a", SecretString="1", KmsKeyId=key)
    arn = make_role(account, allow("secretsmanager:GetSecretValue"))
    account.enforce()
    read = account.session_as(arn).client("secretsmanager").get_secret_value
    assert refused(read, SecretId="a") == ("AccessDeniedException", "Access to KMS is not allowed")
    via = {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}
    put_policy(account, allow("secretsmanager:GetSecretValue"), allow("kms:Decrypt", key, Condition=via))
    account.clock.sleep(10)
    assert read(SecretId="a")["SecretString"] == "1"


def test_a_key_that_leaves_nothing_to_iam_is_closed_to_roles_with_every_right(account):
    arn = make_role(account, allow("*"))
    only = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:user/x"}, "Action": "kms:*"}
    key = account.client("kms").create_key(
        Policy=document({**only, "Resource": "*"}), BypassPolicyLockoutSafetyCheck=True
    )["KeyMetadata"]["Arn"]
    account.enforce()
    assert refused(account.session_as(arn).client("kms").describe_key, KeyId=key)[0] == "AccessDeniedException"


def test_a_grant_opens_a_key_to_its_grantee(account):
    key = make_key(account)
    arn = make_role(account)
    account.client("kms").create_grant(KeyId=key, GranteePrincipal=arn, Operations=["DescribeKey"])
    account.enforce()
    kms = account.session_as(arn).client("kms")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
    assert refused(kms.get_key_policy, KeyId=key)[0] == "AccessDeniedException"


def test_a_secure_parameter_needs_its_key(account):
    key = make_key(account)
    account.client("ssm").put_parameter(Name="/a", Value="v", Type="SecureString", KeyId=key)
    clients = enforced(account, allow("ssm:GetParameter")).client("ssm")
    code, message = refused(clients.get_parameter, Name="/a", WithDecryption=True)
    assert code == "AccessDeniedException"
    assert message.startswith("The ciphertext refers to a customer master key")
    assert clients.get_parameter(Name="/a")["Parameter"]["Name"] == "/a"


# --- buckets, topics, queues, logs ---------------------------------------------------------------------------


def test_objects_and_buckets_are_resources_of_their_own(account):
    s3 = account.client("s3")
    s3.create_bucket(Bucket="data", CreateBucketConfiguration=HERE)
    s3.put_object(Bucket="data", Key="in/a", Body=b"x")
    clients = enforced(account, allow("s3:GetObject", "arn:aws:s3:::data/in/*")).client("s3")
    assert clients.get_object(Bucket="data", Key="in/a")["Body"].read() == b"x"
    assert clients.head_object(Bucket="data", Key="in/a")["ContentLength"] == 1
    code, message = refused(clients.get_object, Bucket="data", Key="out")
    assert code == "AccessDenied"
    assert 's3:GetObject on resource: "arn:aws:s3:::data/out" because no identity-based policy' in message
    assert refused(clients.head_object, Bucket="data", Key="out")[0] == "403"
    assert refused(clients.list_objects_v2, Bucket="data")[0] == "AccessDenied"


def test_a_missing_object_is_a_refusal_to_those_who_may_not_list(account):
    account.client("s3").create_bucket(Bucket="data", CreateBucketConfiguration=HERE)
    arn = make_role(account, allow("s3:GetObject"))
    account.enforce()
    s3 = account.session_as(arn).client("s3")
    assert refused(s3.get_object, Bucket="data", Key="none")[0] == "AccessDenied"
    put_policy(account, allow(["s3:GetObject", "s3:ListBucket"]))
    account.clock.sleep(10)
    assert refused(s3.get_object, Bucket="data", Key="none")[0] == "NoSuchKey"


def test_a_prefix_that_is_not_allowed_is_not_listed(account):
    account.client("s3").create_bucket(Bucket="data", CreateBucketConfiguration=HERE)
    prefix = {"StringLike": {"s3:prefix": "evidence/*"}}
    s3 = enforced(account, allow("s3:ListBucket", "arn:aws:s3:::data", Condition=prefix)).client("s3")
    assert s3.list_objects_v2(Bucket="data", Prefix="evidence/2025")["KeyCount"] == 0
    assert refused(s3.list_objects_v2, Bucket="data")[0] == "AccessDenied"


def test_a_bucket_policy_denies(account):
    s3 = account.client("s3")
    s3.create_bucket(Bucket="data", CreateBucketConfiguration=HERE)
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/*"}
    s3.put_bucket_policy(Bucket="data", Policy=document(deny))
    put = enforced(account, allow("s3:*")).client("s3").put_object
    assert refused(put, Bucket="data", Key="a", Body=b"")[1].endswith(
        "with an explicit deny in a resource-based policy"
    )


def test_queues_and_topics_by_their_names(account):
    url = account.client("sqs").create_queue(QueueName="drill-1")["QueueUrl"]
    other = account.client("sqs").create_queue(QueueName="live")["QueueUrl"]
    topic = account.client("sns").create_topic(Name="live")["TopicArn"]
    clients = enforced(account, allow("sqs:ReceiveMessage", "arn:aws:sqs:eu-west-1:111111111111:drill-*"))
    assert "Messages" not in clients.client("sqs").receive_message(QueueUrl=url)
    code, message = refused(clients.client("sqs").receive_message, QueueUrl=other)
    assert "AccessDenied" in code
    assert "sqs:ReceiveMessage on resource: arn:aws:sqs:eu-west-1:111111111111:live" in message
    assert refused(clients.client("sns").publish, TopicArn=topic, Message="x")[0] == "AuthorizationError"


def test_log_groups_and_streams(account):
    logs = account.client("logs")
    logs.create_log_group(logGroupName="/a/b")
    arn = "arn:aws:logs:eu-west-1:111111111111:log-group:"
    clients = enforced(
        account,
        allow("logs:CreateLogStream", f"{arn}/a/*"),
        allow(["logs:DescribeMetricFilters", "logs:DescribeLogGroups"]),
    ).client("logs")
    clients.create_log_stream(logGroupName="/a/b", logStreamName="s")
    assert clients.describe_metric_filters(logGroupName="/a/b")["metricFilters"] == []
    assert refused(clients.create_log_stream, logGroupName="/b", logStreamName="s")[0] == "AccessDeniedException"
    assert [each["logGroupName"] for each in clients.describe_log_groups()["logGroups"]] == ["/a/b"]


# --- machines -------------------------------------------------------------------------------------------------


def test_a_volume_is_made_only_with_the_tag_and_removed_only_with_it(account):
    ec2 = account.client("ec2")
    plain = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1)["VolumeId"]
    volumes = "arn:aws:ec2:eu-west-1:111111111111:volume/*"
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "baseops:drill", "Value": "1"}]}]
    clients = enforced(
        account,
        allow("ec2:CreateVolume", volumes, Condition={"Null": {"aws:RequestTag/baseops:drill": "false"}}),
        allow("ec2:CreateTags", volumes, Condition={"StringEquals": {"ec2:CreateAction": "CreateVolume"}}),
        allow("ec2:DeleteVolume", volumes, Condition={"Null": {"aws:ResourceTag/baseops:drill": "false"}}),
    ).client("ec2")
    code, message = refused(clients.create_volume, AvailabilityZone="eu-west-1a", Size=1)
    assert code == "UnauthorizedOperation"
    assert message.startswith("You are not authorized to perform this operation. User: ")
    assert f"ec2:CreateVolume on resource: {volumes} because" in message
    made = clients.create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=tags)["VolumeId"]
    clients.delete_volume(VolumeId=made)
    assert refused(clients.delete_volume, VolumeId=plain)[0] == "UnauthorizedOperation"
    assert refused(clients.create_tags, Resources=[plain], Tags=tags[0]["Tags"])[0] == "UnauthorizedOperation"


def test_a_region_that_is_not_allowed(account):
    region = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    clients = enforced(account, allow("ec2:DescribeVolumes", Condition=region))
    assert clients.client("ec2").describe_volumes()["Volumes"] == []
    assert refused(clients.client("ec2", "us-east-1").describe_volumes)[0] == "UnauthorizedOperation"


def test_who_starts_something_with_a_role_must_be_allowed_to_pass_it(account):
    target = make_role(account, name="worker")
    arguments = {
        "ExecutionRoleArn": target,
        "Description": "d",
        "State": "ENABLED",
        "PolicyDetails": {
            "ResourceTypes": ["VOLUME"],
            "TargetTags": [{"Key": "a", "Value": "b"}],
            "Schedules": [{"Name": "s", "CreateRule": {"Interval": 24}, "RetainRule": {"Count": 1}}],
        },
    }
    arn = make_role(account, allow("dlm:CreateLifecyclePolicy"))
    account.enforce()
    dlm = account.session_as(arn).client("dlm")
    code, message = refused(dlm.create_lifecycle_policy, **arguments)
    assert code == "AccessDeniedException"
    assert f"iam:PassRole on resource: {target}" in message
    to = {"StringEquals": {"iam:PassedToService": "dlm.amazonaws.com"}}
    put_policy(account, allow("dlm:CreateLifecyclePolicy"), allow("iam:PassRole", target, Condition=to))
    account.clock.sleep(10)
    assert dlm.create_lifecycle_policy(**arguments)["PolicyId"].startswith("policy-")


# --- mail -----------------------------------------------------------------------------------------------------


def test_a_sender_address_is_held_to_the_condition(account):
    account.client("sesv2").create_email_identity(EmailIdentity="acme.example")
    identity = "arn:aws:ses:eu-west-1:111111111111:identity/acme.example"
    sender = {"StringEquals": {"ses:FromAddress": "no-reply@acme.example"}}
    send = enforced(account, allow("ses:SendEmail", identity, Condition=sender)).client("sesv2").send_email
    mail = {
        "Destination": {"ToAddresses": ["success@simulator.amazonses.com"]},
        "Content": {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
    }
    code, message = refused(send, FromEmailAddress="boss@acme.example", **mail)
    assert code == "AccessDeniedException"
    assert f"ses:SendEmail on resource: {identity}" in message
    # Allowed by IAM: what SES says next is its own business.
    assert refused(send, FromEmailAddress="Acme <no-reply@acme.example>", **mail)[0] != "AccessDeniedException"


def test_a_raw_mail_is_held_to_the_sender_in_its_header(account):
    account.client("sesv2").create_email_identity(EmailIdentity="acme.example")
    sender = {"StringEquals": {"ses:FromAddress": "no-reply@acme.example"}}
    send = enforced(account, allow("ses:SendRawEmail", Condition=sender)).client("sesv2").send_email
    raw = {name: {"Raw": {"Data": f"From: Acme <{name}@acme.example>\n\nt".encode()}} for name in ("boss", "no-reply")}
    to = {"ToAddresses": ["success@simulator.amazonses.com"]}
    assert refused(send, Content=raw["boss"], Destination=to)[0] == "AccessDeniedException"
    assert refused(send, Content=raw["no-reply"], Destination=to)[0] != "AccessDeniedException"


# --- sessions, boundaries, trust ------------------------------------------------------------------------------


def test_boundary_and_session_policy_narrow(account):
    iam = account.client("iam")
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=document(allow("ssm:*")))["Policy"]["Arn"]
    arn = make_role(account, allow("*"), PermissionsBoundary=boundary)
    account.enforce()
    clients = account.session_as(arn)
    assert clients.client("ssm").describe_parameters()["Parameters"] == []
    assert refused(clients.client("dlm").get_lifecycle_policies)[1].endswith(
        "because no permissions boundary allows the dlm:GetLifecyclePolicies action"
    )
    assumed = account.client("sts").assume_role(
        RoleArn=arn, RoleSessionName="small", Policy=document(allow("ssm:GetParameter"))
    )["Credentials"]
    small = with_keys(account, assumed)
    assert refused(small.client("ssm").describe_parameters)[1].endswith(
        "because no session policy allows the ssm:DescribeParameters action"
    )


def with_keys(account, credentials: dict[str, str]):
    from baseops.sandbox.clients import Keys, PrincipalClients

    keys = Keys(
        account.account_id, credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
    )
    return PrincipalClients(account._factory, keys, account.region)


def test_a_managed_policy_of_aws_counts(account):
    arn = make_role(account)
    policy = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"
    account.client("iam").attach_role_policy(RoleName="reader", PolicyArn=policy)
    account.enforce()
    ssm = account.session_as(arn).client("ssm")
    assert ssm.describe_parameters()["Parameters"] == []
    assert refused(ssm.delete_parameter, Name="/a")[0] == "AccessDeniedException"


def test_a_role_is_assumed_by_those_it_trusts(account):
    iam = account.client("iam")
    arn = make_role(account, allow("sts:AssumeRole"))
    service = {**TRUST, "Principal": {"Service": "ec2.amazonaws.com"}}
    iam.create_role(RoleName="machine", AssumeRolePolicyDocument=document(service))
    trusting = make_role(account, name="trusting")
    account.enforce()
    sts = account.session_as(arn).client("sts")
    assert sts.assume_role(RoleArn=trusting, RoleSessionName="other")["Credentials"]
    machine = "arn:aws:iam::111111111111:role/machine"
    assert refused(sts.assume_role, RoleArn=machine, RoleSessionName="other") == (
        "AccessDenied",
        f"User: {SESSION} is not authorized to perform: sts:AssumeRole on resource: {machine}",
    )


def test_a_service_uses_a_roles_credentials_for_a_while(account):
    iam, sender = account.client("iam"), Sender("firehose", account.account_id, "arn:aws:firehose:eu-west-1:1:x/y")
    trust = document({**TRUST, "Principal": {"Service": "firehose.amazonaws.com"}})

    def key():
        return role_session(sender, arn).keys.access_key

    arn = iam.create_role(RoleName="ship", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    first = key()
    account.clock.sleep(45 * 60)
    assert key() == first
    account.clock.sleep(1)
    second = key()
    assert second != first
    iam.delete_role(RoleName="ship")
    with pytest.raises(AccessError, match="does not exist"):
        key()
    iam.create_role(RoleName="ship", AssumeRolePolicyDocument=trust)
    assert key() != second


# --- time -----------------------------------------------------------------------------------------------------


def test_a_changed_policy_takes_effect_after_a_while(account):
    ssm = enforced(account).client("ssm")
    put_policy(account, allow("ssm:DescribeParameters"))
    account.clock.sleep(9)
    assert refused(ssm.describe_parameters)[0] == "AccessDeniedException"
    account.clock.sleep(1)
    assert ssm.describe_parameters()["Parameters"] == []
    account.client("iam").delete_role_policy(RoleName="reader", PolicyName="own")
    assert ssm.describe_parameters()["Parameters"] == []
    account.clock.sleep(10)
    assert refused(ssm.describe_parameters)[0] == "AccessDeniedException"


def test_a_new_role_is_not_there_at_once(account):
    caller = make_role(account, allow("sts:AssumeRole"))
    account.enforce()
    sts = account.session_as(caller).client("sts")
    fresh = make_role(account, allow("ssm:DescribeParameters"), name="fresh")
    assert refused(sts.assume_role, RoleArn=fresh, RoleSessionName="other")[0] == "AccessDenied"
    account.clock.sleep(10)
    assert sts.assume_role(RoleArn=fresh, RoleSessionName="other")["Credentials"]


def test_services_without_a_table_are_named(account):
    enforcement_of = account.enforce()
    arn = make_role(account, allow("*"))
    account.clock.sleep(10)
    account.session_as(arn).client("athena").list_work_groups()
    assert enforcement_of.unknown == {"athena:ListWorkGroups"}
