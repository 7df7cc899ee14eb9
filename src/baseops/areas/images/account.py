"""What only the account knows of images: bases, network, encryption, what exists already, what is still to come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baseops.areas.images import locking, sources
from baseops.areas.images.names import image_name
from baseops.areas.images.recipe import root_device
from baseops.areas.images.wording import Findings, Path, error, note, warning
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.contract.site import DECLARATION_TAG, Site
from baseops.errors import AwsError, NotFoundError

if TYPE_CHECKING:
    from baseops.areas.images.spec import Entry, Section


def complete_lock(section: Section, lock: Lock, clients: Clients) -> Lock:
    """The lock with the base of every image that has none yet. AWS calls: ssm:GetParameter, ec2:DescribeImages."""
    return locking.complete(section, lock, clients)


def preflight(section: Section, site: Site, clients: Clients) -> list[Finding]:
    """What stands in the way, before anything is applied. Describe, get and list calls of ec2, ssm, imagebuilder."""
    found: list[Finding] = []
    existing = sources.pipelines(clients, site.region) if section.managed else {}
    for name, entry in section.entries.items():
        path: Path = ("images", name)
        if not entry.managed:
            found += _published(path, entry, site, clients)
            continue
        found += _base(path, name, entry, clients)
        found += _network(path, entry, site, clients)
        found += _types(path, entry, site, clients)
        found += _parameters(path, entry, site, clients)
        other = existing.get(image_name(site, name))
        if other is not None and other.get("tags", {}).get(DECLARATION_TAG) != site.name:
            found.append(_pipeline_of_others(path, image_name(site, name), site))
    found += _encryption(section, site, clients)
    return [*found, *_allowed(section, site, clients)]


def pending(section: Section, refs: Refs, clients: Clients) -> list[Finding]:
    """First builds that are still to come, and pipelines that stopped. Get and list calls of imagebuilder and ssm."""
    if not section.entries:
        return []
    existing = sources.pipelines(clients, refs.site.region) if section.managed else {}
    found: list[Finding] = []
    for name, entry in section.managed.items():
        path: Path = ("images", name)
        pipeline = existing.get(image_name(refs.site, name))
        if pipeline is not None:
            found += _of_pipeline(path, name, entry, pipeline, refs.site, clients)
    return found


# --- before apply ---


def _base(path: Path, name: str, entry: Entry, clients: Clients) -> Findings:
    if entry.base is None:
        return
    try:
        base = locking.resolve(name, entry.base, clients)
    except NotFoundError as problem:
        yield error("no-such-base", (*path, "base"), f"{problem.what}: {problem.why}", problem.remedy)
        return
    described = sources.ami(clients, clients.region, base.image_id) or {}
    if described.get("DeprecationTime"):
        yield note(
            "base-deprecated",
            (*path, "base"),
            f"{base.image_id} ({base.name}) is deprecated from {described['DeprecationTime']} on",
            f"Run then: baseops images update {name}",
        )
    root = str(described.get("RootDeviceName", ""))
    devices = [volume.device for volume in entry.volumes] if entry.volumes else [root_device(entry)]
    if root and root not in devices:
        yield error(
            "root-device",
            (*path, "volumes") if entry.volumes else path,
            f"the root volume of {base.name} is {root}; {', '.join(devices)} would be a further one, and the root "
            "volume would stay as it is in the base",
            f"Write: volumes: [{{device: {root}}}]",
        )


def _network(path: Path, entry: Entry, site: Site, clients: Clients) -> Findings:
    ec2 = clients.client("ec2", site.region)
    subnet = entry.subnet or site.network.build_subnet
    if entry.default_vpc or subnet is None:
        with translated("cannot look for the default VPC"):
            found = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        if not found:
            yield error(
                "no-default-vpc",
                (*path, "default_vpc"),
                f"{site.region} has no default VPC",
                "Write network: {build_subnet: subnet-…} at the top",
            )
        return
    place = (*path, "subnet") if entry.subnet else ("network", "build_subnet")
    try:
        with translated(f"cannot look at {subnet}"):
            described = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
    except AwsError as problem:
        if "NotFound" not in problem.code:
            raise
        described = []
    if not described:
        yield error("no-such-subnet", place, f"there is no subnet {subnet} in {site.region}", "Correct it")
    elif entry.vpc and described[0]["VpcId"] != entry.vpc:
        yield error(
            "vpc-of-subnet",
            (*path, "vpc"),
            f"{subnet} lies in {described[0]['VpcId']}, not in {entry.vpc}",
            f"Write: vpc: {described[0]['VpcId']}",
        )


def _types(path: Path, entry: Entry, site: Site, clients: Clients) -> Findings:
    with translated(f"cannot ask which instance types {site.region} has"):
        offered = clients.client("ec2", site.region).describe_instance_type_offerings(
            LocationType="region", Filters=[{"Name": "instance-type", "Values": list(entry.instance_types)}]
        )["InstanceTypeOfferings"]
    known = {each["InstanceType"] for each in offered}
    for number, each in enumerate(entry.instance_types):
        if each not in known:
            yield error(
                "no-such-instance-type",
                (*path, "instance_types", number),
                f"{site.region} has no instance type {each}",
                "Write another one, such as t3.medium",
            )


def _parameters(path: Path, entry: Entry, site: Site, clients: Clients) -> Findings:
    """A parameter that exists is overwritten by the first build; one of another type cannot be."""
    for region in (entry.regions or (site.region,)) if entry.publish else ():
        value = sources.parameter(clients, region, str(entry.publish))
        if value is None:
            continue
        image = sources.ami(clients, region, value) if value.startswith("ami-") else None
        tags = {tag["Key"]: tag["Value"] for tag in (image or {}).get("Tags", [])}
        if tags.get(DECLARATION_TAG) != site.name:
            yield warning(
                "parameter-of-others",
                (*path, "publish"),
                f"{entry.publish} exists in {region} and names {value}, which this declaration did not build; the "
                "first build replaces it",
                "Make sure that nobody else writes it, or publish under another name",
            )


def _published(path: Path, entry: Entry, site: Site, clients: Clients) -> Findings:
    for region in entry.regions or (site.region,):
        value = sources.parameter(clients, region, entry.publish) if entry.publish else None
        if entry.publish and value is None:
            yield error(
                "not-published",
                (*path, "publish"),
                f"there is no parameter {entry.publish} in {region}, so nothing says which image is meant",
                "Correct the name, or let baseops build the image: delete `managed: false`",
            )


def _pipeline_of_others(path: Path, name: str, site: Site) -> Finding:
    return error(
        "pipeline-of-others",
        path,
        f"an image pipeline {name} exists in {site.region} and does not belong to this declaration",
        "Delete it, or rename the image",
    )


def _encryption(section: Section, site: Site, clients: Clients) -> Findings:
    """Copies under the account's default key cannot be shared: https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html."""
    if not section.managed:
        return
    with translated(f"cannot read the default encryption of {site.region}"):
        by_default = clients.client("ec2", site.region).get_ebs_encryption_by_default()["EbsEncryptionByDefault"]
    if not by_default:
        yield note(
            "encryption-by-default",
            ("images",),
            f"EBS encryption by default is off in {site.region}; the images are encrypted, volumes that others make "
            "may not be",
            f"Run: aws ec2 enable-ebs-encryption-by-default --region {site.region}",
        )


def _allowed(section: Section, site: Site, clients: Clients) -> Findings:
    claim = section.account.allowed_amis
    if claim is None:
        return
    for region in (site.region, *site.regions):
        with translated(f"cannot read the Allowed AMIs setting of {region}"):
            answer = clients.client("ec2", region).get_allowed_images_settings()
        if answer.get("ManagedBy") == "declarative-policy":
            yield error(
                "allowed-amis-held-by-organisation",
                ("account", "images", "allowed_amis"),
                f"a declarative policy of the organisation holds Allowed AMIs in {region} at {answer.get('State')}",
                "Leave it out here, or change it in the organisation's policy",
            )


# --- after apply ---


def _of_pipeline(
    path: Path, name: str, entry: Entry, pipeline: sources.Described, site: Site, clients: Clients
) -> Findings:
    if entry.enabled and pipeline["status"] == "DISABLED":
        yield error(
            "pipeline-disabled",
            path,
            f"the pipeline {pipeline['name']} is disabled, as it is after {entry.failure_count} failed builds",
            f"Look into the log group /aws/imagebuilder/{pipeline['name']}, mend it, then run: baseops apply",
        )
    made = sources.builds(clients, site.region, pipeline["arn"])
    states = [each["state"]["status"] for each in made]
    if not any(state in ("AVAILABLE", "DEPRECATED", "DISABLED") for state in states):
        building = any(state not in ("FAILED", "CANCELLED", "DELETED") for state in states)
        yield note(
            "no-image-yet",
            path,
            "the first image is being built" if building else "there is no image yet; the schedule makes the first one",
            "Run: baseops status after that" if building else f"Run: baseops images build {name}",
        )
    elif states and states[-1] == "FAILED":
        reason = made[-1]["state"].get("reason", "no reason given")
        yield warning("build-failed", path, f"the newest build failed: {reason}", f"Run: baseops images build {name}")
