"""How the secrets of a sandbox account are broken on purpose, by ordinary API calls; each function breaks one thing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from baseops.areas.secrets import canary, company_trail, package
from baseops.cloudformation.packages import zipped
from baseops.contract.sandbox_account import SandboxAccount
from baseops.semantics.roles import role_of

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry

_CANNOT_SET = b"""def handle(event, context):
    import boto3
    client = boto3.client("secretsmanager")
    if event["Step"] == "createSecret":
        client.put_secret_value(
            SecretId=event["SecretId"],
            ClientRequestToken=event["ClientRequestToken"],
            SecretString=client.get_random_password()["RandomPassword"],
            VersionStages=["AWSPENDING"],
        )
    if event["Step"] == "setSecret":
        raise RuntimeError("the database refuses")
"""
STRANGER = "baseops-sabotage"
ELSEWHERE = "999999999999"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
# Any: botocore's answers, and policy documents.


def wildcard_role(account: SandboxAccount) -> None:
    """A role that may read whatever there is."""
    _role(account, {"Effect": "Allow", "Action": ["secretsmanager:Get*", "ssm:Get*", "kms:Decrypt"], "Resource": "*"})


def one_more_administrator(account: SandboxAccount) -> None:
    """A role with AdministratorAccess that no declaration names."""
    _role(account)
    account.client("iam").attach_role_policy(RoleName=STRANGER, PolicyArn=ADMINISTRATOR)


def ancestor_path(account: SandboxAccount, entry: Entry) -> None:
    """A role that may list a path far above the parameter, and nothing of the parameter itself."""
    top = entry.name.strip("/").split("/")[0]
    path = f"arn:aws:ssm:*:{account.account_id}:parameter/{top}"
    _role(
        account,
        {"Effect": "Allow", "Action": "ssm:GetParametersByPath", "Resource": path},
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"},
    )


def previous_version(account: SandboxAccount, entry: Entry) -> None:
    """A role that may read what the secret was before its last change."""
    condition = {"StringEquals": {"secretsmanager:VersionStage": "AWSPREVIOUS"}}
    arn = f"arn:aws:secretsmanager:*:{account.account_id}:secret:{entry.name}-*"
    _role(
        account,
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn, "Condition": condition},
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"},
    )
    client = account.client("secretsmanager")
    value = client.get_secret_value(SecretId=entry.name)["SecretString"]
    client.put_secret_value(SecretId=entry.name, SecretString=f"{value} ")


def reader_without_permission(account: SandboxAccount, entry: Entry) -> None:
    """The reader's role loses its policies."""
    iam = account.client("iam")
    for name, _ in _inline(account, entry):
        iam.delete_role_policy(RoleName=role_of(entry.readers[0]).name, PolicyName=name)


def reader_without_key(account: SandboxAccount, entry: Entry) -> None:
    """The reader may read and not decrypt."""
    for name, document in _inline(account, entry):
        kept = [each for each in document["Statement"] if "kms:Decrypt" not in each["Action"]]
        account.client("iam").put_role_policy(
            RoleName=role_of(entry.readers[0]).name,
            PolicyName=name,
            PolicyDocument=json.dumps({**document, "Statement": kept}),
        )


def key_for_everybody(account: SandboxAccount, entry: Entry) -> None:
    """The key's policy lets in whoever asks."""
    _change_key_policy(account, entry, {"Effect": "Allow", "Principal": {"AWS": "*"}})


def key_against_reader(account: SandboxAccount, entry: Entry) -> None:
    """The key's policy refuses the reader by name."""
    role = account.client("iam").get_role(RoleName=role_of(entry.readers[0]).name)["Role"]["Arn"]
    _change_key_policy(account, entry, {"Effect": "Deny", "Principal": {"AWS": role}})


def shared_with_an_account(account: SandboxAccount, entry: Entry) -> None:
    """The secret's own policy lets another account in."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ELSEWHERE}:root"},
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    client = account.client("secretsmanager")
    client.put_resource_policy(SecretId=entry.name, ResourcePolicy=json.dumps(document))


def about_to_be_deleted(account: SandboxAccount, entry: Entry) -> None:
    """Somebody deletes the secret; it can be restored for a week."""
    client = account.client("secretsmanager")
    if entry.replicas:
        client.remove_regions_from_replication(SecretId=entry.name, RemoveReplicaRegions=entry.replicas)
    client.delete_secret(SecretId=entry.name, RecoveryWindowInDays=7)


def copy_of_its_own(account: SandboxAccount, entry: Entry) -> None:
    """The copy in another region is made a secret of its own, and follows no longer."""
    client = account.client("secretsmanager", entry.replicas[0])
    client.stop_replication_to_replica(SecretId=entry.name)


def under_another_key(account: SandboxAccount, entry: Entry) -> None:
    """The secret is encrypted under a key that somebody made."""
    key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    account.client("secretsmanager").update_secret(SecretId=entry.name, KmsKeyId=key)


def rotation_off(account: SandboxAccount, entry: Entry) -> None:
    """Somebody switches the rotation off."""
    account.client("secretsmanager").cancel_rotate_secret(SecretId=entry.name)


def rotated_at_once(account: SandboxAccount, entry: Entry) -> None:
    """Somebody changes the schedule and forgets that RotateSecret rotates at once unless it is told not to."""
    client = account.client("secretsmanager")
    rules = client.describe_secret(SecretId=entry.name)["RotationRules"]
    client.rotate_secret(SecretId=entry.name, RotationRules=rules)


def failing_at_set_secret(account: SandboxAccount, entry: Entry) -> None:
    """The secret is rotated by code that makes a password and cannot set it."""
    arn = account.client("secretsmanager").describe_secret(SecretId=entry.name)["RotationLambdaARN"]
    module = package.HANDLER.rpartition(".")[0].replace(".", "/")
    code = zipped({f"{module}.py": _CANNOT_SET})
    account.client("lambda").update_function_code(FunctionName=arn, ZipFile=code)
    account.client("secretsmanager").rotate_secret(SecretId=entry.name)


def broken_package(account: SandboxAccount, entry: Entry) -> None:
    """The function that was released last lacks a module that it imports; so does the canary's, which is its copy."""
    module = package.HANDLER.rpartition(".")[0].replace(".", "/")
    code = zipped({f"{module}.py": b"import nothing_of_that_name\n"})
    secrets, functions = account.client("secretsmanager"), account.client("lambda")
    for name in (entry.name, canary.secret_of(entry)):
        arn = secrets.describe_secret(SecretId=name)["RotationLambdaARN"]
        functions.update_function_code(FunctionName=arn, ZipFile=code)


def profile_swapped(account: SandboxAccount, entry: Entry) -> None:
    """The reader's instances get the instance profile of those that must be refused."""
    if entry.instances is None:
        return
    ec2 = account.client("ec2")
    wrong = _running(account, entry.instances.stranger)[0]["IamInstanceProfile"]["Arn"]
    for each in _running(account, entry.instances.reader):
        wanted = [{"Name": "instance-id", "Values": [each["InstanceId"]]}]
        for found in ec2.describe_iam_instance_profile_associations(Filters=wanted)["IamInstanceProfileAssociations"]:
            ec2.disassociate_iam_instance_profile(AssociationId=found["AssociationId"])
        ec2.associate_iam_instance_profile(InstanceId=each["InstanceId"], IamInstanceProfile={"Arn": wrong})


def stranger_may(account: SandboxAccount, entry: Entry) -> None:
    """The role that must be refused may read whatever there is."""
    if entry.instances is None:
        return
    profile = _running(account, entry.instances.stranger)[0]["IamInstanceProfile"]["Arn"].rpartition("/")[2]
    iam = account.client("iam")
    (role,) = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]
    statement = {"Effect": "Allow", "Action": ["secretsmanager:Get*", "kms:Decrypt"], "Resource": "*"}
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="all", PolicyDocument=_document([statement]))


def trail_stopped(account: SandboxAccount) -> None:
    """Every trail stops logging."""
    client = account.client("cloudtrail")
    for each in client.describe_trails()["trailList"]:
        client.stop_logging(Name=each["TrailARN"])


def trail_unvalidated(account: SandboxAccount) -> None:
    """No trail's files are validated any more."""
    client = account.client("cloudtrail")
    for each in client.describe_trails()["trailList"]:
        client.update_trail(Name=each["Name"], EnableLogFileValidation=False)


def trail_of_writes(account: SandboxAccount) -> None:
    """The company's trail keeps writes alone, to save money."""
    selector = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": []}
    account.client("cloudtrail").put_event_selectors(TrailName=company_trail.NAME, EventSelectors=[selector])


def _role(account: SandboxAccount, *statements: dict[str, Any]) -> None:
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=STRANGER, AssumeRolePolicyDocument=_document([trust]))
    if statements:
        iam.put_role_policy(RoleName=STRANGER, PolicyName="all", PolicyDocument=_document(statements))


def _running(account: SandboxAccount, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    filters.append({"Name": "instance-state-name", "Values": ["running"]})
    answer = account.client("ec2").describe_instances(Filters=filters)
    return [each for group in answer["Reservations"] for each in group["Instances"]]


def _inline(account: SandboxAccount, entry: Entry) -> list[tuple[str, dict[str, Any]]]:
    iam, name = account.client("iam"), role_of(entry.readers[0]).name
    listed = iam.list_role_policies(RoleName=name)["PolicyNames"]
    return [(each, iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"]) for each in listed]


def _change_key_policy(account: SandboxAccount, entry: Entry, statement: dict[str, Any]) -> None:
    kms = account.client("kms")
    key = account.client("secretsmanager").describe_secret(SecretId=entry.name)["KmsKeyId"]
    document = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    added = {"Action": "kms:Decrypt", "Resource": "*", **statement}
    policy = json.dumps({**document, "Statement": [*document["Statement"], added]})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)


def _document(statements: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
