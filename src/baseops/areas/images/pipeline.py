"""How and where an image is built and distributed: infrastructure, distribution, the pipeline itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from troposphere import GetAtt, Ref, ec2, iam, imagebuilder, logs

from baseops.areas.images.names import ami_name, identity_tags, image_log_group, image_name, pipeline_log_group
from baseops.areas.images.recipe import KEEP, ami_tags, locked_base
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.resources import logical_id
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, LaunchPermission

# Any: troposphere takes a text or a helper such as Ref for every property.


def log_groups(name: str, entry: Entry, stack: StackBuilder, refs: Refs) -> tuple[logs.LogGroup, logs.LogGroup]:
    """Where builds are logged, and where the pipeline is."""
    names = (("BuildLogGroup", image_log_group), ("PipelineLogGroup", pipeline_log_group))
    made = [
        stack.add(
            logs.LogGroup(
                logical_id(name) + title,
                LogGroupName=named(refs.site, name),
                RetentionInDays=entry.log_retention_days,
                KmsKeyId=stack.use(refs.key("logs")),
                **KEEP,
            )
        )
        for title, named in names
    ]
    return made[0], made[1]


def security_group(name: str, entry: Entry, stack: StackBuilder) -> ec2.SecurityGroup | None:
    """A group for the builds without any ingress, when the VPC is known."""
    if entry.vpc is None:
        return None
    return stack.add(
        ec2.SecurityGroup(
            logical_id(name, "SecurityGroup"),
            GroupDescription=f"Builds of the image {name}",
            VpcId=entry.vpc,
            SecurityGroupEgress=[
                _egress(443, "Systems Manager, S3 and package repositories"),
                _egress(80, "Package repositories that sign what they serve"),
            ],
        )
    )


def _egress(port: int, why: str) -> ec2.SecurityGroupRule:
    return ec2.SecurityGroupRule(IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp="0.0.0.0/0", Description=why)


def infrastructure(
    name: str, entry: Entry, profile: iam.InstanceProfile, group: ec2.SecurityGroup | None, refs: Refs
) -> imagebuilder.InfrastructureConfiguration:
    """Where builds run: IMDSv2 only, no key pair, no instance left behind after a failure."""
    return imagebuilder.InfrastructureConfiguration(
        logical_id(name, "Infrastructure"),
        Name=image_name(refs.site, name),
        InstanceProfileName=Ref(profile),
        InstanceTypes=list(entry.instance_types),
        InstanceMetadataOptions=imagebuilder.InstanceMetadataOptions(HttpTokens="required", HttpPutResponseHopLimit=1),
        TerminateInstanceOnFailure=True,
        ResourceTags=identity_tags(refs.site, name),
        **_place(entry, group, refs),
    )


def _place(entry: Entry, group: ec2.SecurityGroup | None, refs: Refs) -> dict[str, Any]:
    subnet = entry.subnet or refs.site.network.build_subnet
    if entry.default_vpc or subnet is None:
        return {}
    groups = [GetAtt(group, "GroupId")] if group else list(entry.security_groups)
    return {"SubnetId": subnet, **({"SecurityGroupIds": groups} if groups else {})}


def distribution(name: str, entry: Entry, stack: StackBuilder, refs: Refs) -> imagebuilder.DistributionConfiguration:
    """An AMI in each region, under that region's key, with its permissions and the parameter that names it."""
    return imagebuilder.DistributionConfiguration(
        logical_id(name, "Distribution"),
        Name=image_name(refs.site, name),
        Distributions=[_in_region(name, entry, region, stack, refs) for region in regions(entry, refs)],
    )


def regions(entry: Entry, refs: Refs) -> tuple[str, ...]:
    """Where the image is distributed."""
    return entry.regions or (refs.site.region,)


def _in_region(name: str, entry: Entry, region: str, stack: StackBuilder, refs: Refs) -> imagebuilder.Distribution:
    options: dict[str, Any] = {}
    if entry.launch_permission.is_given:
        options["LaunchPermissionConfiguration"] = _permission(entry.launch_permission)
    if entry.copies_to:
        options["TargetAccountIds"] = list(entry.copies_to)
    ami = imagebuilder.AmiDistributionConfiguration(
        Name=ami_name(refs.site, name),
        AmiTags=ami_tags(name, entry, locked_base(refs.lock, name), refs),
        KmsKeyId=stack.use(refs.key("images", region)),
        **options,
    )
    published = {"ParameterName": entry.publish, "DataType": "aws:ec2:image"}
    parameters = [imagebuilder.SsmParameterConfiguration(**published)] if entry.publish else []
    return imagebuilder.Distribution(
        Region=region,
        AmiDistributionConfiguration=ami,
        **({"SsmParameterConfigurations": parameters} if parameters else {}),
    )


def _permission(permission: LaunchPermission) -> imagebuilder.LaunchPermissionConfiguration:
    given = {
        "UserIds": list(permission.accounts),
        "OrganizationArns": [permission.organization] if permission.organization else [],
        "OrganizationalUnitArns": list(permission.organizational_units),
    }
    return imagebuilder.LaunchPermissionConfiguration(**{key: value for key, value in given.items() if value})


def pipeline(
    name: str,
    entry: Entry,
    refs: Refs,
    *,
    recipe: imagebuilder.ImageRecipe,
    infrastructure: imagebuilder.InfrastructureConfiguration,
    distribution: imagebuilder.DistributionConfiguration,
    groups: tuple[logs.LogGroup, logs.LogGroup],
    role: iam.Role | None,
) -> imagebuilder.ImagePipeline:
    """The pipeline. It builds at every time of its schedule: updates of packages are no dependency to Image Builder."""
    schedule = entry.schedule
    if schedule is None:
        raise ValueError(f"the image {name} has no schedule, which check refuses")
    return imagebuilder.ImagePipeline(
        logical_id(name, "Pipeline"),
        Name=image_name(refs.site, name),
        ImageRecipeArn=Ref(recipe),
        InfrastructureConfigurationArn=Ref(infrastructure),
        DistributionConfigurationArn=Ref(distribution),
        EnhancedImageMetadataEnabled=True,
        ImageTags=identity_tags(refs.site, name),
        ImageTestsConfiguration=imagebuilder.ImageTestsConfiguration(
            ImageTestsEnabled=entry.tests.enabled, TimeoutMinutes=int(entry.tests.timeout.total_seconds() // 60)
        ),
        LoggingConfiguration=imagebuilder.PipelineLoggingConfiguration(
            ImageLogGroupName=Ref(groups[0]), PipelineLogGroupName=Ref(groups[1])
        ),
        Schedule=imagebuilder.Schedule(
            ScheduleExpression=f"cron({schedule.cron})",
            Timezone=schedule.timezone,
            PipelineExecutionStartCondition="EXPRESSION_MATCH_ONLY",
            AutoDisablePolicy=imagebuilder.AutoDisablePolicy(FailureCount=entry.failure_count),
        ),
        Status="ENABLED" if entry.enabled else "DISABLED",
        **({"ExecutionRole": GetAtt(role, "Arn")} if role else {}),
    )
