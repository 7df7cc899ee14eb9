"""What the drills of secrets may do, as IAM statements: those that observe read who may read, and never a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from baseops.areas.secrets import canary, reading
from baseops.areas.secrets.access import for_template, parameter_arn, secret_arn
from baseops.areas.secrets.rotation import POSTGRES_SINGLE_USER
from baseops.areas.secrets.rotation_function import own_functions
from baseops.contract.site import Site
from baseops.contract.types import DrillClass, Json

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry, Section

Statement = dict[str, Json]


def statements(section: Section, site: Site) -> Mapping[DrillClass, tuple[Mapping[str, Json], ...]]:
    """The statements of each class that has drills here."""
    if not section.entries:
        return {}
    found: dict[DrillClass, tuple[Mapping[str, Json], ...]] = {}
    classes = {
        "observe": _observe(section, site),
        "exercise": _exercise(section, site),
        "disturb": _disturb(section, site),
    }
    for drill_class, wanted in classes.items():
        filled = tuple(cast("Statement", for_template(cast("Json", each))) for each in wanted)
        if filled:
            found[cast("DrillClass", drill_class)] = filled
    return found


def _observe(section: Section, site: Site) -> Iterable[Statement]:
    secrets = [entry for entry in section.entries.values() if entry.secret]
    parameters = [parameter_arn(entry.name, site.region) for entry in section.entries.values() if entry.parameter]
    keys = f"arn:${{AWS::Partition}}:kms:{site.region}:${{AWS::AccountId}}:key/*"
    others = dict.fromkeys(entry.key for entry in section.entries.values() if entry.key)
    yield _allow(
        "SecretsWhoMayDecrypt", ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"], [keys, *filter(None, others)]
    )
    # Neither has a resource to bound it by.
    yield _allow("SecretsWhoMayRead", ["iam:GetAccountAuthorizationDetails", "ssm:DescribeParameters"], ["*"])
    yield _allow(
        "SecretsOrganisation",
        [
            "organizations:DescribeOrganization",
            "organizations:DescribePolicy",
            "organizations:ListParents",
            "organizations:ListPoliciesForTarget",
        ],
        ["*"],
    )
    # Neither has these two, but they ask one region alone.
    yield _here("SecretsEvents", ["cloudtrail:DescribeTrails", "cloudtrail:LookupEvents"], site)
    # A trail of the organisation is its management account's, and one of all regions has any for its home.
    trails = "arn:${AWS::Partition}:cloudtrail:*:*:trail/*"
    yield _allow("SecretsTrails", ["cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"], [trails])
    if any(entry.secret for entry in secrets):
        yield _allow(
            "SecretsVersionsAndPolicies",
            [
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetResourcePolicy",
                "secretsmanager:ListSecretVersionIds",
            ],
            [secret_arn(entry.name, region) for entry in secrets for region in (site.region, *entry.replicas)],
        )
    functions = _functions(secrets, site)
    if functions:
        yield _allow("SecretsRotationFunctions", ["lambda:GetFunctionConfiguration"], functions)
    if parameters:
        yield _allow("SecretsTagsOfParameters", ["ssm:ListTagsForResource"], parameters)


def _functions(secrets: Iterable[Entry], site: Site) -> list[str]:
    """Those whose configuration is read, for it may hold what is not to be known; one that is declared by ARN is not.

    CloudFormation names ours; what others call theirs of the same code nobody knows.
    """
    shipped = [entry for entry in secrets if entry.rotation and entry.rotation.function == POSTGRES_SINGLE_USER]
    names = dict.fromkeys(f"{own_functions(site)}*" if entry.managed else "*" for entry in shipped)
    return [f"arn:${{AWS::Partition}}:lambda:{site.region}:${{AWS::AccountId}}:function:{each}" for each in names]


def _exercise(section: Section, site: Site) -> Iterable[Statement]:
    canaries = {name: entry for name, entry in section.entries.items() if canary.is_declared(entry)}
    if not canaries:
        return
    yield _allow(
        "SecretsRotateCanaries",
        ["secretsmanager:DescribeSecret", "secretsmanager:RotateSecret", "secretsmanager:UpdateSecretVersionStage"],
        [secret_arn(canary.secret_of(entry), site.region) for entry in canaries.values()],
    )
    # RotateSecret asks for it; CloudFormation names the function after stack and logical id.
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    functions = (
        f"arn:${{AWS::Partition}}:lambda:{site.region}:${{AWS::AccountId}}:function:{site.prefix}-secrets*Canary*"
    )
    yield _allow("SecretsCallCanaryFunctions", ["lambda:InvokeFunction"], [functions])
    groups = f"arn:${{AWS::Partition}}:logs:{site.region}:${{AWS::AccountId}}:log-group:/baseops/{site.name}/secrets"
    yield _allow(
        "SecretsCanaryLogs",
        ["logs:FilterLogEvents"],
        [f"{groups}/{canary.name_of(name)}/rotation:*" for name in canaries],
    )


def _disturb(section: Section, site: Site) -> Iterable[Statement]:
    """Commands that can do nothing but read the value, on instances with the declared tags alone."""
    read = {name: entry for name, entry in section.entries.items() if entry.instances}
    if not read:
        return
    place = f"{site.region}:${{AWS::AccountId}}"
    documents = [f"arn:${{AWS::Partition}}:ssm:{place}:document/{reading.document_name(name, site)}" for name in read]
    yield _allow("SecretsReadingCommands", ["ssm:SendCommand"], documents)
    declared = [
        tags
        for entry in read.values()
        if entry.instances
        for tags in (entry.instances.reader, entry.instances.stranger)
    ]
    for number, tags in enumerate({tuple(sorted(tags.items())): tags for tags in declared if tags}.values(), 1):
        condition: dict[str, Json] = {f"aws:ResourceTag/{key}": value for key, value in sorted(tags.items())}
        yield {
            **_allow(
                f"SecretsReadingInstances{number}",
                ["ssm:SendCommand"],
                [f"arn:${{AWS::Partition}}:ec2:{place}:instance/*"],
            ),
            "Condition": {"StringEquals": condition},
        }
    looks = ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation", "ssm:GetCommandInvocation"]
    yield _here("SecretsInstances", looks, site)
    profiles = "arn:${AWS::Partition}:iam::${AWS::AccountId}:instance-profile/*"
    yield _allow("SecretsRolesOfInstances", ["iam:GetInstanceProfile"], [profiles])


def _here(sid: str, actions: list[str], site: Site) -> Statement:
    """What knows no resource, in the declaration's region."""
    return {**_allow(sid, actions, ["*"]), "Condition": {"StringEquals": {"aws:RequestedRegion": site.region}}}


def _allow(sid: str, actions: list[str], resources: list[str]) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": cast("Json", actions),
        "Resource": cast("Json", resources if len(resources) > 1 else resources[0]),
    }
