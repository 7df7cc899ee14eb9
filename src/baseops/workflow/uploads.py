"""Puts artifacts and large templates into the artifact bucket; content-addressed, so each is put at most once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from baseops.aws.errors import translated
from baseops.cloudformation.changesets import MAX_INLINE_BYTES, Body
from baseops.cloudformation.text import template_text
from baseops.contract.clients import Clients
from baseops.contract.needs import Artifact
from baseops.contract.template import Template
from baseops.errors import AwsError


class Uploads:
    """The artifact bucket of one account. AWS calls: s3:HeadObject, s3:PutObject."""

    def __init__(self, clients: Clients, bucket: str, region: str) -> None:
        """`region` is where the bucket lies."""
        self._s3 = clients.client("s3", region)
        self._bucket = bucket

    def put_all(self, artifacts: Sequence[Artifact]) -> int:
        """Upload what is not there yet; how many that were."""
        return sum(self._put(artifact.key, artifact.content) for artifact in artifacts)

    def body_of(self, template: Template) -> Body:
        """How the template travels: inline up to 51,200 bytes, above that through the bucket."""
        text = template_text(template)
        if len(text.encode()) <= MAX_INLINE_BYTES:
            return Body(text)
        content = text.encode()
        key = f"templates/{hashlib.sha256(content).hexdigest()[:32]}/{template.name}.json"
        self._put(key, content)
        return Body(text, f"https://{self._bucket}.s3.{self._s3.meta.region_name}.amazonaws.com/{key}")

    def _put(self, key: str, content: bytes) -> bool:
        if self._has(key):
            return False
        with translated(f"cannot upload s3://{self._bucket}/{key}"):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)
        return True

    def _has(self, key: str) -> bool:
        try:
            with translated(f"cannot look for s3://{self._bucket}/{key}"):
                self._s3.head_object(Bucket=self._bucket, Key=key)
        except AwsError as error:
            if error.code in ("404", "NoSuchKey", "NotFound"):
                return False
            raise
        return True
