"""Emptying a versioned bucket, and asking whether one is empty."""

from __future__ import annotations

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.errors import NotFoundError


def empty_bucket(clients: Clients, bucket: str, region: str) -> int:
    """Delete every version and delete marker; how many. AWS calls: ListObjectVersions, DeleteObjects."""
    client = clients.client("s3", region)
    count = 0
    try:
        with translated(f"cannot empty the bucket {bucket}"):
            for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
                found = page.get("Versions", []) + page.get("DeleteMarkers", [])
                keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
                if keys:
                    client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                count += len(keys)
    except NotFoundError:
        return 0
    return count


def is_empty_bucket(clients: Clients, bucket: str, region: str) -> bool:
    """Whether a bucket holds no version of anything; a bucket that is gone is empty."""
    try:
        with translated(f"cannot look into the bucket {bucket}"):
            found = clients.client("s3", region).list_object_versions(Bucket=bucket, MaxKeys=1)
    except NotFoundError:
        return True
    return not found.get("Versions") and not found.get("DeleteMarkers")
