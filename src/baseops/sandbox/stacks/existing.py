"""Checks that what a request names is in the account: values of AWS-specific parameter types, the service role.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from baseops.sandbox.stacks.engine import Engine
from baseops.semantics.templates import parameters
from baseops.semantics.templates.errors import TemplateError

# Any: templates are JSON of any shape.

_READERS = {
    "AWS::EC2::Image::Id": ("ec2", "describe_images", "ImageIds"),
    "AWS::EC2::Instance::Id": ("ec2", "describe_instances", "InstanceIds"),
    "AWS::EC2::KeyPair::KeyName": ("ec2", "describe_key_pairs", "KeyNames"),
    "AWS::EC2::SecurityGroup::Id": ("ec2", "describe_security_groups", "GroupIds"),
    "AWS::EC2::Subnet::Id": ("ec2", "describe_subnets", "SubnetIds"),
    "AWS::EC2::VPC::Id": ("ec2", "describe_vpcs", "VpcIds"),
    "AWS::EC2::Volume::Id": ("ec2", "describe_volumes", "VolumeIds"),
}


def check(engine: Engine, source: Mapping[str, Any], chosen: Mapping[str, str]) -> None:
    """Refuse a parameter that names what does not exist."""
    for name, parameter in parameters.declared(source).items():
        if not parameters.is_stored(parameter):
            _check(engine, name, parameter, chosen[name])


def check_role(engine: Engine, arn: str) -> None:
    """Refuse a service role that CloudFormation could not assume; a role of another account is left alone.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
    """
    parts = arn.split(":")
    if len(parts) != 6 or parts[4] != engine.account_id:
        return
    client = engine.clients.client("iam", engine.region)
    try:
        role = client.get_role(RoleName=parts[5].rpartition("/")[2])["Role"]
    except ClientError as error:
        raise TemplateError(f"Role {arn} is invalid or cannot be assumed") from error
    if "cloudformation.amazonaws.com" not in json.dumps(role["AssumeRolePolicyDocument"]):
        raise TemplateError(f"Role {arn} is invalid or cannot be assumed")


def _check(engine: Engine, name: str, parameter: Mapping[str, Any], text: str) -> None:
    kind = str(parameter["Type"])
    item = kind.removeprefix("List<").removesuffix(">")
    if item not in _READERS:
        return
    service, operation, argument = _READERS[item]
    client = engine.clients.client(service, engine.region)
    for value in text.split(",") if kind.startswith("List<") else [text]:
        try:
            getattr(client, operation)(**{argument: [value.strip()]})
        except ClientError as error:
            raise TemplateError(
                f"Parameter validation failed: parameter value {value} for parameter name {name} does not exist"
            ) from error
