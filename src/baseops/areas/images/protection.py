"""Protection of what each build publishes: a rule on finished builds starts an automation that moves it.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html. Image Builder's distribution
settings know nothing of it, so it would be missing from each build to the next apply. The event of a finished build
comes after its distribution (https://docs.aws.amazon.com/imagebuilder/latest/userguide/integ-eventbridge.html). What
cannot be started rings an alarm, and an automation that fails tells the alert topic.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from troposphere import GetAtt, Ref, Sub, cloudwatch, events, iam, ssm

from baseops.areas.images.names import IMAGE_TAG, image_name
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import (
    alarm,
    automation_target,
    failed_automation_rule,
    service_role,
    start_automation,
)
from baseops.cloudformation.resources import logical_id
from baseops.contract.refs import Refs
from baseops.contract.site import DECLARATION_TAG, Site

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry

# Any: troposphere takes a text or a helper such as Ref for every property.


def document_name(site: Site, name: str) -> str:
    """The automation document of an image, as found in the console, in events and in evidence."""
    return f"{image_name(site, name)}-protect"


def rule_title(name: str) -> str:
    """The logical id of the rule."""
    return logical_id(name, "ProtectRule")


def role_title(name: str) -> str:
    """The logical id of the role that the automation takes."""
    return logical_id(name, "ProtectRole")


def add_protection(stack: StackBuilder, name: str, entry: Entry, refs: Refs) -> None:
    """The automation, the rule that starts it, their roles, and word of both going wrong."""
    site, topic = refs.site, stack.use(refs.topic())
    running = stack.add(service_role(role_title(name), "ssm", run_statements(name, entry, site)))
    document = stack.add(
        ssm.Document(
            logical_id(name, "ProtectDocument"),
            Name=document_name(site, name),
            DocumentType="Automation",
            DocumentFormat="JSON",
            UpdateMethod="NewVersion",
            Content=automation(name, entry, site, GetAtt(running, "Arn")),
        )
    )
    starting = stack.add(
        service_role(logical_id(name, "ProtectStartRole"), "events", start_automation(document, running))
    )
    rule = stack.add(_rule(name, site, document, starting))
    stack.add(
        alarm(
            logical_id(name, "ProtectNotStartedAlarm"),
            name=f"{image_name(site, name)}-protect-not-started",
            topic=topic,
            AlarmDescription=f"Images {name}: a build is not protected from deregistration",
            Namespace="AWS/Events",
            MetricName="FailedInvocations",
            Dimensions=[cloudwatch.MetricDimension(Name="RuleName", Value=Ref(rule))],
        )
    )
    stack.add(
        failed_automation_rule(
            logical_id(name, "ProtectFailedRule"),
            description=f"A build of {name} could not be protected from deregistration",
            documents=[document_name(site, name)],
            topic=topic,
        )
    )


def _rule(name: str, site: Site, document: ssm.Document, role: iam.Role) -> events.Rule:
    prefix = (
        f"arn:${{AWS::Partition}}:imagebuilder:${{AWS::Region}}:${{AWS::AccountId}}:image/{image_name(site, name)}/"
    )
    return events.Rule(
        rule_title(name),
        Description=f"Protects each build of {name} from deregistration",
        EventPattern={
            "source": ["aws.imagebuilder"],
            "detail-type": ["EC2 Image Builder Image State Change"],
            "resources": [{"prefix": Sub(prefix)}],
            "detail": {"state": {"status": ["AVAILABLE"]}},
        },
        # The automation asks what is published, whatever the event says.
        Targets=[automation_target(document, role, Input="{}")],
    )


def automation(name: str, entry: Entry, site: Site, role: Any) -> dict[str, Any]:
    """The automation's own JSON (schema 0.3)."""
    return {
        "schemaVersion": "0.3",
        "description": f"Protects the published AMI of {name} from deregistration, and lets older ones go",
        "assumeRole": role,
        "mainSteps": [
            {
                "name": "protect",
                "action": "aws:executeScript",
                "isEnd": True,
                "timeoutSeconds": 300,
                "maxAttempts": 3,
                "onFailure": "Abort",
                "inputs": {
                    "Runtime": "python3.11",
                    "Handler": "protect",
                    "InputPayload": {
                        "regions": list(entry.regions or (site.region,)),
                        "parameter": str(entry.publish),
                        "tags": {DECLARATION_TAG: site.name, IMAGE_TAG: name},
                    },
                    "Script": script(),
                },
                "outputs": [{"Name": "Protected", "Selector": "$.Payload.protected", "Type": "StringList"}],
            }
        ],
        "outputs": ["protect.Protected"],
    }


def script() -> str:
    """The text of the step; a module of its own, so that it is linted and tested like any other."""
    return (files("baseops.areas.images.functions") / "protect.py").read_text(encoding="utf-8")


def run_statements(name: str, entry: Entry, site: Site) -> list[dict[str, Any]]:
    """What the automation may do: read the parameter, and change the protection of this image's AMIs alone."""
    regions = entry.regions or (site.region,)
    return [
        {
            "Sid": "ReadWhatIsPublished",
            "Effect": "Allow",
            "Action": "ssm:GetParameter",
            "Resource": [
                Sub(f"arn:${{AWS::Partition}}:ssm:{region}:${{AWS::AccountId}}:parameter{entry.publish}")
                for region in regions
            ],
        },
        {"Sid": "FindTheImages", "Effect": "Allow", "Action": "ec2:DescribeImages", "Resource": "*"},
        {
            "Sid": "ProtectOwnImages",
            "Effect": "Allow",
            "Action": ["ec2:DisableImageDeregistrationProtection", "ec2:EnableImageDeregistrationProtection"],
            "Resource": [Sub(f"arn:${{AWS::Partition}}:ec2:{region}::image/*") for region in regions],
            "Condition": {
                "StringEquals": {
                    f"aws:ResourceTag/{DECLARATION_TAG}": site.name,
                    f"aws:ResourceTag/{IMAGE_TAG}": name,
                }
            },
        },
    ]
