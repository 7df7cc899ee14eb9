"""What an area is told of the rest: the site, the lock, and where the foundation's things are found."""

from __future__ import annotations

from dataclasses import dataclass, field

from baseops.contract.lock import Lock
from baseops.contract.needs import Artifact
from baseops.contract.site import Site
from baseops.contract.template import Output, Source
from baseops.contract.types import Purpose


@dataclass(frozen=True)
class Refs:
    """Where an area finds what others made. Every answer is a literal or an output of another stack."""

    site: Site
    lock: Lock = field(default_factory=Lock)

    def key(self, purpose: Purpose, region: str | None = None) -> Source:
        """The ARN of the KMS key of a purpose, in the primary region unless another is named."""
        place = region or self.site.region
        existing = self.site.keys.get((purpose, place))
        if existing:
            return existing
        return Output(self.foundation_of(place), place, f"{purpose.capitalize()}KeyArn")

    def topic(self, region: str | None = None) -> Source:
        """The ARN of the encrypted alert topic of a region."""
        place = region or self.site.region
        return Output(self.foundation_of(place), place, "AlertTopicArn")

    def artifact_bucket(self) -> Source:
        """The name of the artifact bucket (primary region)."""
        return Output("artifacts", self.site.region, "ArtifactBucketName")

    def artifact_key(self, artifact: Artifact) -> str:
        """The object key under which an artifact is uploaded before the stacks."""
        return artifact.key

    def evidence_bucket(self) -> Source:
        """The name of the evidence bucket (primary region)."""
        return Output("foundation", self.site.region, "EvidenceBucketName")

    @property
    def drill_profile(self) -> str:
        """The instance profile of what drills start, and its role's name: it reports to Systems Manager, no more."""
        return f"{self.site.prefix}-drill-instance"

    def foundation_of(self, region: str) -> str:
        """The stack that holds a region's keys and topic: `foundation`, or `region` in a further region."""
        return "foundation" if region == self.site.region else "region"
