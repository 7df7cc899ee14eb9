"""What only the account knows of its backups: what targets select, keys, other policies, what is still to come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from baseops.areas.backups import sources
from baseops.areas.backups.limits import MAX_POLICIES
from baseops.areas.backups.policies import description
from baseops.areas.backups.settings import STATES
from baseops.areas.backups.wording import Findings, Path, error, finding
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding, Severity
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.contract.site import DECLARATION_TAG, Site
from baseops.errors import AwsError, NotFoundError

if TYPE_CHECKING:
    from baseops.areas.backups.spec.section import Entry, Section, Target


def complete_lock(section: Section, lock: Lock, clients: Clients) -> Lock:  # noqa: ARG001  # the protocol's signature
    """The lock as it is: backups have nothing that moves by itself."""
    return lock


def preflight(section: Section, site: Site, clients: Clients) -> list[Finding]:
    """What stands in the way, before anything is applied. Describe calls of ec2, dlm, kms and ssm only."""
    found = [*_regions(section, site, clients), *_quota(section, site, clients), *_block(section, site, clients)]
    for name, entry in section.entries.items():
        if entry.target is not None:
            found += _target(("backups", name), entry, entry.target, site, clients)
            found += _documents(("backups", name), entry, site, clients)
    return found


def pending(section: Section, refs: Refs, clients: Clients) -> list[Finding]:
    """First snapshots that are still to come, policies in error. Describe calls of ec2 and dlm only."""
    site = refs.site
    if not section.managed:
        return []
    ours = {each["Description"]: each for each in _own_policies(site, clients)}
    found: list[Finding] = []
    for name, entry in section.managed.items():
        path: Path = ("backups", name)
        policy = ours.get(description(site, name))
        if policy is not None and policy["State"] == "ERROR":
            found.append(_in_error(path, policy, site, clients))
        if (
            entry.target is not None
            and entry.enabled
            and not sources.snapshots_of(clients, site.region, sources.tagged(site.name, name))
        ):
            found.append(_no_snapshot_yet(path, entry))
    return found


# --- before apply ---


def _target(path: Path, entry: Entry, target: Target, site: Site, clients: Clients) -> Findings:
    volumes = sources.target_volumes(clients, site.region, target)
    tags = " or ".join(f"{key}={value}" for key, value in target.tags.items())
    if not volumes:
        yield finding(
            Severity.WARNING,
            "target-empty",
            (*path, "target", "tags"),
            f"no {target.resource} in {site.region} has the tag {tags}, so there is nothing to back up yet",
            "Tag what should be backed up, or correct the tag: keys and values are case-sensitive",
        )
    if entry.managed:
        yield from _policies_of_others(path, target, site, clients)
        yield from _shared_under_default_key(path, entry, volumes, site, clients)


def _policies_of_others(path: Path, target: Target, site: Site, clients: Clients) -> Findings:
    for key, value in target.tags.items():
        found = sources.policies(
            clients, site.region, ResourceTypes=[target.resource.upper()], TargetTags=[f"{key}={value}"]
        )
        for each in found:
            if each.get("Tags", {}).get(DECLARATION_TAG) != site.name:
                yield finding(
                    Severity.WARNING,
                    "policy-of-others",
                    (*path, "target", "tags", key),
                    f"the DLM policy {each['PolicyId']} ({each['Description']}) selects {key}={value} too: each volume "
                    "would get two snapshots and be paid for twice",
                    "Remove that policy after the first snapshots of this one, or write `managed: false` here",
                )


def _shared_under_default_key(path: Path, entry: Entry, volumes: list[Any], site: Site, clients: Clients) -> Findings:
    """A snapshot under aws/ebs can never be shared.

    https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html
    """
    plans = entry.plans.values()
    if not any(plan.share or any(copy.account for copy in plan.copies) for plan in plans):
        return
    encrypted = {each["VolumeId"]: each["KmsKeyId"] for each in volumes if each.get("KmsKeyId")}
    default = _default_key(site, clients) if encrypted else ""
    stuck = sorted(volume for volume, key in encrypted.items() if key == default)
    if stuck:
        shown = ", ".join(stuck[:5]) + (f" and {len(stuck) - 5} more" if len(stuck) > 5 else "")
        yield error(
            "shared-under-default-key",
            path,
            f"{shown}: encrypted under aws/ebs, and snapshots under that key can never be shared",
            "Move them to volumes under a key of your own; a snapshot copied under it makes such a volume",
        )


def _default_key(site: Site, clients: Clients) -> str:
    """The ARN of aws/ebs; '' where nothing was ever encrypted under it."""
    try:
        with translated("cannot look at the key aws/ebs"):
            return str(clients.client("kms", site.region).describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]["Arn"])
    except NotFoundError:
        return ""


def _documents(path: Path, entry: Entry, site: Site, clients: Clients) -> Findings:
    for plan_name, plan in entry.plans.items():
        document = plan.scripts.document if plan.scripts else None
        if document and document != "AWS_VSS_BACKUP" and not _has_document(document, site, clients):
            place = (*path, "schedules", plan_name) if plan_name else path
            yield error(
                "no-such-document",
                (*place, "scripts", "document"),
                f"there is no SSM document {document} in {site.region}",
                "Make it first, or write `freeze` with the mount points",
            )


def _has_document(document: str, site: Site, clients: Clients) -> bool:
    try:
        with translated(f"cannot look at the SSM document {document}"):
            clients.client("ssm", site.region).describe_document(Name=document)
    except AwsError as problem:
        if problem.code != "InvalidDocument":
            raise
        return False
    return True


def _regions(section: Section, site: Site, clients: Clients) -> Findings:
    wanted = sorted({copy.region for entry in section.managed.values() for copy in entry.copies_here})
    if not wanted:
        return
    with translated(f"cannot look at the regions {', '.join(wanted)}"):
        described = clients.client("ec2", site.region).describe_regions(AllRegions=True, RegionNames=wanted)
    for each in described["Regions"]:
        if each["OptInStatus"] == "not-opted-in":
            yield error(
                "region-disabled",
                ("backups",),
                f"copies go to {each['RegionName']}, which is not enabled in this account",
                f"Run: aws account enable-region --region-name {each['RegionName']}",
            )


def _quota(section: Section, site: Site, clients: Clients) -> Findings:
    if not section.managed:
        return
    others = [
        each
        for each in sources.policies(clients, site.region)
        if each.get("Tags", {}).get(DECLARATION_TAG) != site.name
    ]
    if len(others) + len(section.managed) > MAX_POLICIES:
        yield error(
            "too-many-policies",
            ("backups",),
            f"{site.region} has {len(others)} DLM policies; with the {len(section.managed)} declared here there "
            f"would be more than {MAX_POLICIES}",
            "Join backups as `schedules` of one, or ask AWS for a higher quota",
        )


def _block(section: Section, site: Site, clients: Clients) -> Findings:
    claimed = section.account.block_public_access
    if claimed is None:
        return
    for region in (site.region, *site.regions):
        with translated(f"cannot read the block on public snapshots in {region}"):
            answer = clients.client("ec2", region).get_snapshot_block_public_access_state()
        if answer.get("ManagedBy") == "declarative-policy" and answer["State"] != claimed:
            yield error(
                "block-held-by-organisation",
                ("account", "backups", "block_public_access"),
                f"a declarative policy of the organisation holds {region} at {answer['State']}",
                "Leave it out here, or change it in the organisation's policy",
            )
        elif STATES.index(answer["State"]) > STATES.index(claimed):
            yield finding(
                Severity.WARNING,
                "block-is-stronger",
                ("account", "backups", "block_public_access"),
                f"{region} has {answer['State']} already, which is stronger and stays",
                f"Write: block_public_access: {answer['State']}",
            )


# --- after apply ---


def _own_policies(site: Site, clients: Clients) -> Iterator[sources.Described]:
    for each in sources.policies(clients, site.region):
        if each.get("Tags", {}).get(DECLARATION_TAG) == site.name:
            yield each


def _in_error(path: Path, policy: sources.Described, site: Site, clients: Clients) -> Finding:
    with translated(f"cannot look at the DLM policy {policy['PolicyId']}"):
        full = clients.client("dlm", site.region).get_lifecycle_policy(PolicyId=policy["PolicyId"])["Policy"]
    return error(
        "policy-in-error",
        path,
        f"the DLM policy {policy['PolicyId']} is in error and makes no snapshots: "
        f"{full.get('StatusMessage', 'no reason given')}",
        "Run: baseops apply, then: aws dlm update-lifecycle-policy --state ENABLED --policy-id " + policy["PolicyId"],
    )


def _no_snapshot_yet(path: Path, entry: Entry) -> Finding:
    starts = [
        f"{plan.schedule.time} UTC" if plan.schedule.time else f"cron({plan.schedule.cron})"
        for plan in entry.plans.values()
    ]
    return finding(
        Severity.NOTE,
        "no-snapshot-yet",
        path,
        f"there is no snapshot yet; DLM starts within the hour after {' or '.join(starts)}",
        "Run: baseops status after that",
    )
