"""The texts that a section of images takes: ids, ARNs, names and paths, each with what is expected of it."""

from __future__ import annotations

from typing import Annotated

from baseops.fields import matching

_PARTS = r"arn:aws[\w-]*"
ImageId = Annotated[str, matching(r"ami-[0-9a-f]{8,17}", "the id of an AMI such as ami-0a1b2c3d4e5f67890")]
ParameterName = Annotated[
    str,
    matching(
        r"/[\w.-]+(?:/[\w.-]+){0,14}",
        "a parameter name that begins with / such as /acme/images/web",
    ),
]
PublicParameter = Annotated[
    str,
    matching(
        r"/[\w.-]+(?:/[\w.-]+)*",
        "the name of a parameter that holds an AMI id, such as "
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    ),
]
Owner = Annotated[
    str, matching(r"self|amazon|aws-marketplace|\d{12}", "self, amazon, aws-marketplace or an account id")
]
ComponentArn = Annotated[
    str,
    matching(
        rf"{_PARTS}:imagebuilder:[a-z0-9-]+:(?:\d{{12}}|aws(?:-[a-z-]+)?|third-party):component/[a-z0-9_-]+/"
        r"(?:(?:\d+|x)\.(?:\d+|x)\.(?:\d+|x)|\d+\.\d+\.\d+/\d+)",
        "the ARN of a component with its version, such as arn:aws:imagebuilder:eu-west-1:aws:component/"
        "amazon-cloudwatch-agent-linux/1.0.1/1 or …/x.x.x",
    ),
]
OrganizationArn = Annotated[
    str,
    matching(
        rf"{_PARTS}:organizations::\d{{12}}:organization/o-[a-z0-9]{{10,32}}",
        "the ARN of an organisation such as arn:aws:organizations::111111111111:organization/o-abcde12345",
    ),
]
UnitArn = Annotated[
    str,
    matching(
        rf"{_PARTS}:organizations::\d{{12}}:ou/o-[a-z0-9]{{10,32}}/ou-[0-9a-z]{{4,32}}-[0-9a-z]{{8,32}}",
        "the ARN of an organizational unit such as "
        "arn:aws:organizations::111111111111:ou/o-abcde12345/ou-ab12-cdefgh34",
    ),
]
SubnetId = Annotated[str, matching(r"subnet-(?:[0-9a-f]{8}|[0-9a-f]{17})", "a subnet id such as subnet-0a1b2c3d")]
VpcId = Annotated[str, matching(r"vpc-(?:[0-9a-f]{8}|[0-9a-f]{17})", "a VPC id such as vpc-0a1b2c3d")]
SecurityGroupId = Annotated[
    str, matching(r"sg-(?:[0-9a-f]{8}|[0-9a-f]{17})", "a security group id such as sg-0a1b2c3d")
]
InstanceType = Annotated[str, matching(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "an instance type such as t3.medium")]
DeviceName = Annotated[str, matching(r"/dev/[a-z0-9]{2,14}", "a device name such as /dev/xvda")]
AbsolutePath = Annotated[str, matching(r"/[^\x00-\x1f]{1,4095}", "an absolute path such as /usr/sbin/nginx")]
Watermark = Annotated[
    str,
    matching(
        r"[A-Za-z0-9()\[\]./'@_-](?:[A-Za-z0-9 ()\[\]./'@_-]{1,126})[A-Za-z0-9()\[\]./'@_-]",
        "3-128 letters, digits, spaces and ( ) [ ] . / ' @ _ -",
    ),
]
TimezoneName = Annotated[str, matching(r"[A-Za-z0-9]{2,}(?:/[A-Za-z0-9_+-]+)*", "a time zone such as Europe/Berlin")]
InstanceId = Annotated[str, matching(r"i-[0-9a-f]{8,17}", "an instance id such as i-0a1b2c3d4e5f67890")]
Text = Annotated[str, matching(r"[^\x00-\x08\x0b-\x1f]{0,4096}", "text of at most 4096 characters")]
