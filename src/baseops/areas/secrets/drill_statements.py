"""What the drills of secrets may do, as IAM statements: they read who may read, and never a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from baseops.areas.secrets.access import for_template, parameter_arn, secret_arn
from baseops.contract.site import Site
from baseops.contract.types import DrillClass, Json

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Section


def statements(section: Section, site: Site) -> Mapping[DrillClass, tuple[Mapping[str, Json], ...]]:
    """Statements for reading policies, versions and the trail; nothing that gives a value."""
    secrets = [secret_arn(entry.name, site.region) for entry in section.entries.values() if entry.secret]
    parameters = [parameter_arn(entry.name, site.region) for entry in section.entries.values() if entry.parameter]
    if not secrets and not parameters:
        return {}
    keys = f"arn:${{AWS::Partition}}:kms:{site.region}:${{AWS::AccountId}}:key/*"
    observe: list[dict[str, Json]] = [
        {
            "Sid": "SecretsWhoMayDecrypt",
            "Effect": "Allow",
            "Action": ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"],
            "Resource": keys,
        },
        {
            "Sid": "SecretsWhoMayRead",
            "Effect": "Allow",
            # None of these has a resource to bound it by.
            "Action": [
                "cloudtrail:LookupEvents",
                "iam:GetAccountAuthorizationDetails",
                "lambda:GetFunctionConfiguration",
                "secretsmanager:ListSecrets",
                "ssm:DescribeParameters",
            ],
            "Resource": "*",
        },
    ]
    if secrets:
        observe.append(
            {
                "Sid": "SecretsVersionsAndPolicies",
                "Effect": "Allow",
                "Action": [
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:GetResourcePolicy",
                    "secretsmanager:ListSecretVersionIds",
                ],
                "Resource": cast("Json", secrets),
            }
        )
    if parameters:
        tags: dict[str, Json] = {
            "Sid": "SecretsTagsOfParameters",
            "Effect": "Allow",
            "Action": "ssm:ListTagsForResource",
            "Resource": cast("Json", parameters),
        }
        observe.append(tags)
    return {"observe": tuple(cast("dict[str, Json]", for_template(cast("Json", each))) for each in observe)}
