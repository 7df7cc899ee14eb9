"""Versions of launch templates in pages, and with the AMI that a parameter in them names when that is asked for.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html. moto cuts the list off
without a token, and knows nothing of `resolve:ssm:…`
(https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from baseops.sandbox.root_volumes import resolved
from baseops.sandbox.service import Members, extend

PAGE = 200

# Any throughout: moto's EC2 backend and its templates carry no types.


def describe_launch_template_versions(
    backend: Any,
    launch_template_id: str | None = None,
    launch_template_name: str | None = None,
    versions: Sequence[str] = (),
    max_results: int = PAGE,
    next_token: str | None = None,
    resolve_alias: bool = False,
    **options: Any,
) -> Members:
    """Answer DescribeLaunchTemplateVersions."""
    found = backend.describe_launch_template_versions(
        template_name=launch_template_name,
        template_id=launch_template_id,
        versions=list(versions),
        min_version=int(options.get("min_version") or 0),
        max_version=int(options.get("max_version") or 0),
        max_results=1_000_000,
    )
    start = int(next_token or 0)
    more = {"NextToken": str(start + max_results)} if start + max_results < len(found) else {}
    described = [_described(backend, *each, resolve=resolve_alias) for each in found[start : start + max_results]]
    return {"LaunchTemplateVersions": described, **more}


def _described(backend: Any, template: Any, version: Any, *, resolve: bool) -> dict[str, Any]:
    data = dict(version.data)
    if resolve and data.get("ImageId"):
        data["ImageId"] = resolved(backend, str(data["ImageId"]))
    return {
        "CreateTime": version.create_time,
        "CreatedBy": f"arn:aws:iam::{backend.account_id}:root",
        "DefaultVersion": template.is_default(version),
        "LaunchTemplateData": data,
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "VersionDescription": version.description or "",
        "VersionNumber": version.number,
    }


extend("ec2", "DescribeLaunchTemplateVersions", describe_launch_template_versions)
