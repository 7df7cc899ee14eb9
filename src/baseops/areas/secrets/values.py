"""Where a declared value lies in the account, and every way in which it could be read; never the value itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from baseops.areas.secrets.keys import Key, KeyReader
from baseops.aws.errors import translated
from baseops.aws.principals import as_document
from baseops.contract.clients import Clients
from baseops.errors import NotFoundError
from baseops.semantics.policies import Context, Policy, Reading, readings

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry

GET_VALUE = "secretsmanager:GetSecretValue"
ACTIONS = (
    GET_VALUE,
    "ssm:GetParameter",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "ssm:GetParameterHistory",
    "kms:Decrypt",
)
"""All that a reading of a value may need: BatchGetSecretValue gives nothing without GetSecretValue on the secret."""
_DEFAULT_KEY = "alias/aws/secretsmanager"
# How ListSecretVersionIds names the key that AWS manages.
# https://docs.aws.amazon.com/cli/latest/reference/secretsmanager/list-secret-version-ids.html
_DEFAULT_NAMES = ("DefaultEncryptionKey", _DEFAULT_KEY)

# Any: botocore's answers.


@dataclass(frozen=True)
class Way:
    """One way to read: what IAM is asked, and the keys any of which decrypts what comes, with what KMS is told."""

    reading: Reading
    keys: tuple[Key, ...]
    encryption: Context


@dataclass(frozen=True)
class Value:
    """Where a value lies. `needed` are the ways that its readers need; `policy` is that of the secret itself.

    `rotators` are the names of the roles that the secret's own rotation works with.
    """

    arn: str
    ways: tuple[Way, ...]
    needed: tuple[Way, ...]
    policy: Policy | None = None
    rotators: frozenset[str] = frozenset()


class ValueReader:
    """Finds values of one region; each key is read once."""

    def __init__(self, clients: Clients, account: str, region: str) -> None:
        self._clients = clients
        self._account = account
        self._region = region
        self._keys = KeyReader(clients, region)

    def find(self, entry: Entry) -> Value | None:
        """The entry's value; None while there is none to read."""
        return self._secret(entry.secret) if entry.secret else self._parameter(entry)

    def _secret(self, name: str) -> Value | None:
        client = self._clients.client("secretsmanager", self._region)
        try:
            with translated(f"cannot describe the secret {name}, its policy and its versions"):
                described = client.describe_secret(SecretId=name)
                text = client.get_resource_policy(SecretId=name).get("ResourcePolicy")
                versions = list(versions_of(client, name))
        except NotFoundError:
            return None
        ways = tuple(way for version in versions for way in self._ways(described, version))
        needed = tuple(way for way in ways if way.reading.context.values(_STAGE) == ("AWSCURRENT",))
        policy = Policy.parse(as_document(text), "policy of the secret").about(ACTIONS) if text else None
        rotators = self._rotators(described.get("RotationLambdaARN"))
        return Value(str(described["ARN"]), ways, needed, policy, rotators) if needed else None

    def _ways(self, described: Mapping[str, Any], version: Mapping[str, Any]) -> Iterator[Way]:
        """By each staging label, and by the version's id, in which case no label is asked for."""
        arn, identity = str(described["ARN"]), str(version["VersionId"])
        names = version.get("KmsKeyIds") or [described.get("KmsKeyId", _DEFAULT_KEY)]
        keys = tuple(self._keys.read(_DEFAULT_KEY if each in _DEFAULT_NAMES else each) for each in names)
        encryption = self._encryption("secretsmanager", {"SecretARN": arn, "SecretVersionId": identity})
        tags = {f"{key}/{each['Key']}": each["Value"] for each in described.get("Tags", []) for key in _SECRET_TAGS}
        for keys_of_version in ({_STAGE: stage} for stage in version.get("VersionStages", [])):
            yield Way(Reading(GET_VALUE, arn, Context({**tags, **keys_of_version})), keys, encryption)
        yield Way(Reading(GET_VALUE, arn, Context({**tags, _VERSION: identity})), keys, encryption)

    def _rotators(self, function: str | None) -> frozenset[str]:
        if not function:
            return frozenset()
        client = self._clients.client("lambda", self._region)
        try:
            with translated(f"cannot read the function {function}"):
                role = str(client.get_function_configuration(FunctionName=function)["Role"])
        except NotFoundError:
            return frozenset()
        return frozenset({role.rpartition("/")[2]})

    def _parameter(self, entry: Entry) -> Value | None:
        client, name = self._clients.client("ssm", self._region), entry.name
        wanted = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
        with translated(f"cannot describe the parameter {name} and its tags"):
            pages = client.get_paginator("describe_parameters").paginate(ParameterFilters=wanted)
            found = [each for page in pages for each in page["Parameters"]]
            listed = client.list_tags_for_resource(ResourceType="Parameter", ResourceId=name) if found else {}
        if not found:
            return None
        key = self._keys.read(str(found[0].get("KeyId", "alias/aws/ssm")))
        partition = key.arn.split(":")[1]
        arn = f"arn:{partition}:ssm:{self._region}:{self._account}:parameter/{name.lstrip('/')}"
        encryption = self._encryption("ssm", {"PARAMETER_ARN": arn})
        tags = {f"{key}/{each['Key']}": each["Value"] for each in listed.get("TagList", []) for key in _PARAMETER_TAGS}
        ways = tuple(
            # A path has no tags: who may read it gets what is below, whatever tags that has.
            Way(
                Reading(each.action, each.resource, each.context.over(tags if each.resource == arn else {})),
                (key,),
                encryption,
            )
            for each in readings(name, account=self._account, region=self._region, partition=partition)
        )
        return Value(arn, ways, tuple(way for way in ways if way.reading.action in _NEEDED))

    def _encryption(self, service: str, context: Mapping[str, str]) -> Context:
        return Context(
            {
                **{f"kms:EncryptionContext:{name}": value for name, value in context.items()},
                "kms:EncryptionContextKeys": list(context),
                "kms:ViaService": f"{service}.{self._region}.amazonaws.com",
            }
        )


_STAGE, _VERSION = "secretsmanager:VersionStage", "secretsmanager:VersionId"
_SECRET_TAGS = ("secretsmanager:ResourceTag", "aws:ResourceTag")
_PARAMETER_TAGS = ("ssm:resourceTag", "aws:ResourceTag")
# What an application reads with; the other two actions and the paths are more than a reader needs.
_NEEDED = ("ssm:GetParameter", "ssm:GetParameters")


def versions_of(client: Any, name: str) -> Iterator[Mapping[str, Any]]:
    """The labelled versions of a secret, all pages. AWS call: secretsmanager:ListSecretVersionIds."""
    token: dict[str, str] = {}
    while True:
        page = client.list_secret_version_ids(SecretId=name, **token)
        yield from page["Versions"]
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}
