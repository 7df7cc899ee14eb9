"""What every area needs of the account before apply: the network, IAM, a trail, and names that are free. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from baseops.aws.errors import translated
from baseops.aws.identity import caller_account
from baseops.cloudformation.existing import find_existing
from baseops.contract.clients import Clients
from baseops.contract.finding import Finding, Severity
from baseops.contract.needs import Needs
from baseops.contract.site import Site
from baseops.errors import AwsError, NotFoundError
from baseops.workflow.compile import Compiled
from baseops.workflow.existing_parts import keys_in_account, queues_in_account

# Any: botocore's answers.


def preflight(site: Site, clients: Clients, needs: Sequence[Needs] = ()) -> list[Finding]:
    """What the top of the declaration expects to find; `needs` say what existing keys must allow."""
    return [
        *_subnets(site, clients),
        *_iam(site, clients),
        *_trail(site, clients),
        *_regions(site, clients),
        *keys_in_account(site, clients, needs),
        *queues_in_account(site, clients),
    ]


def names_taken(compiled: Compiled, clients: Clients) -> list[Finding]:
    """Resources that exist under a declared name and belong to no stack of ours yet: taken over, or in the way."""
    from baseops.cloudformation.stacks import current_template, read_state

    found = []
    for template in compiled.templates:
        state = read_state(clients, template.name, template.region)
        known = current_template(clients, state) if state.exists else {}
        for each in find_existing(clients, template, known):
            severity = Severity.NOTE if each.importable else Severity.ERROR
            does = "apply will take it over" if each.importable else "CloudFormation cannot take it over"
            remedy = "" if each.importable else "Delete it, or declare the entry with managed: false."
            message = f"{each.type} {each.name} exists in {each.region} already; {does}"
            found.append(Finding(severity, "account.exists", (template.stack.split("-")[0],), message, remedy))
    return found


def _subnets(site: Site, clients: Clients) -> Iterator[Finding]:
    for key in ("build_subnet", "drill_subnet"):
        subnet = getattr(site.network, key)
        if subnet is None:
            continue
        try:
            with translated(f"cannot read the subnet {subnet}"):
                clients.client("ec2", site.region).describe_subnets(SubnetIds=[subnet])
        except NotFoundError:
            yield _error(
                "subnet", ("network", key), f"there is no subnet {subnet} in {site.region}", "Name one that exists."
            )


def _iam(site: Site, clients: Clients) -> Iterator[Finding]:
    iam = clients.client("iam", site.region)
    boundary, role = site.iam.permissions_boundary, site.iam.service_role
    boundary, role = (_here(each, clients) for each in (boundary, role))
    if boundary and _is_absent(lambda: iam.get_policy(PolicyArn=boundary)):
        yield _error(
            "boundary", ("iam", "permissions_boundary"), f"there is no policy {boundary}", "Make it, or name another."
        )
    if role and _is_absent(lambda: iam.get_role(RoleName=role.rpartition("/")[2])):
        yield _error("service-role", ("iam", "service_role"), f"there is no role {role}", "Make it, or name another.")


def _here(arn: str | None, clients: Clients) -> str | None:
    """An ARN of a declaration for several accounts, in the caller's."""
    return arn.replace("${AWS::AccountId}", caller_account(clients)) if arn and "${" in arn else arn


def _is_absent(read: Any) -> bool:
    try:
        with translated("cannot read IAM"):
            read()
    except NotFoundError:
        return True
    return False


def _trail(site: Site, clients: Clients) -> Iterator[Finding]:
    # Who read a secret is known from CloudTrail alone, and LookupEvents answers without a trail, for 90 days only:
    # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html
    client = clients.client("cloudtrail", site.region)
    with translated("cannot list the trails"):
        trails = client.describe_trails(includeShadowTrails=True)["trailList"]
    covering = [trail for trail in trails if trail.get("IsMultiRegionTrail")]
    if not any(_is_logging(client, trail) for trail in covering):
        yield Finding(
            Severity.WARNING,
            "account.trail",
            ("accounts",),
            "no trail of all regions is logging: who read a secret, or changed a policy, is kept for 90 days only",
            "Run: aws cloudtrail create-trail --is-multi-region-trail --enable-log-file-validation …",
        )


def _is_logging(client: Any, trail: Any) -> bool:
    with translated(f"cannot read the trail {trail['Name']}"):
        return bool(client.get_trail_status(Name=trail["TrailARN"])["IsLogging"])


def _regions(site: Site, clients: Clients) -> Iterator[Finding]:
    for region in site.regions:
        try:
            with translated(f"cannot speak to {region}"):
                clients.client("sts", region).get_caller_identity()
        except AwsError as error:
            yield _error("region", ("regions",), f"{region} does not answer: {error.why}", "Enable it in the account.")


def _error(rule: str, path: tuple[str, ...], message: str, remedy: str) -> Finding:
    return Finding(Severity.ERROR, f"account.{rule}", path, message, remedy)
