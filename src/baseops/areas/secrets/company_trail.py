"""The trail that a company has, as a world has it: of all regions, validated, logging into a bucket of its own.

Ordinary calls. A trail that is there already stays as it is.
"""

from __future__ import annotations

import json

from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site

NAME = "company"


def build(account: SandboxAccount, site: Site) -> None:
    """Make bucket and trail, and begin to log."""
    cloudtrail = account.client("cloudtrail", site.region)
    if cloudtrail.describe_trails()["trailList"]:
        return
    bucket = f"{site.name}-trail-{account.account_id}"
    arn = f"arn:aws:cloudtrail:{site.region}:{account.account_id}:trail/{NAME}"
    _bucket(bucket, arn, account, site)
    cloudtrail.create_trail(
        Name=NAME,
        S3BucketName=bucket,
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EnableLogFileValidation=True,
    )
    cloudtrail.start_logging(Name=NAME)


def _bucket(name: str, trail: str, account: SandboxAccount, site: Site) -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html."""
    s3 = account.client("s3", site.region)
    place = {} if site.region == "us-east-1" else {"LocationConstraint": site.region}
    s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": place} if place else {}))
    service, of_trail = {"Service": "cloudtrail.amazonaws.com"}, {"StringEquals": {"aws:SourceArn": trail}}
    statements = [
        {
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:GetBucketAcl",
            "Resource": f"arn:aws:s3:::{name}",
            "Condition": of_trail,
        },
        {
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{name}/AWSLogs/{account.account_id}/*",
            "Condition": {"StringEquals": {**of_trail["StringEquals"], "s3:x-amz-acl": "bucket-owner-full-control"}},
        },
    ]
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
