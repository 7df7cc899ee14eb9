"""`baseops images build`: starts the pipeline of an image now, and follows the build when asked to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from baseops.areas.images import sources
from baseops.areas.images.names import image_log_group, image_name
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.site import Site
from baseops.errors import InconclusiveError, NotFoundError, UsageError, VerdictError

if TYPE_CHECKING:
    from baseops.areas.images.spec import Section

LOOK_EVERY = timedelta(seconds=30)
ENDED = ("AVAILABLE", "CANCELLED", "DELETED", "DEPRECATED", "DISABLED", "FAILED")


@dataclass(frozen=True)
class Build:
    """A build: its ARN, its state now, and the AMIs by region when it is available."""

    image: str
    arn: str
    status: str
    reason: str = ""
    amis: Mapping[str, str] = field(default_factory=dict)


def find_pipeline(section: Section, name: str, site: Site, clients: Clients) -> str:
    """The ARN of an image's pipeline. AWS call: imagebuilder:ListImagePipelines.

    Raises `UsageError` for an image that baseops does not build, `NotFoundError` before the first apply.
    """
    if name not in section.managed:
        known = ", ".join(section.managed) or "none"
        raise UsageError(f"there is no image {name!r} to build", f"the declaration builds: {known}", "Name one of them")
    found = sources.pipelines(clients, site.region).get(image_name(site, name))
    if found is None:
        raise NotFoundError(
            f"there is no pipeline {image_name(site, name)} in {site.region}",
            "the declaration has not been applied",
            "Run: baseops apply",
        )
    return str(found["arn"])


def start(name: str, pipeline: str, site: Site, clients: Clients) -> Build:
    """Start a build. AWS call: imagebuilder:StartImagePipelineExecution."""
    with translated(f"cannot start a build of {name}"):
        answer = clients.client("imagebuilder", site.region).start_image_pipeline_execution(imagePipelineArn=pipeline)
    return Build(name, str(answer["imageBuildVersionArn"]), "PENDING")


def follow(
    build: Build, site: Site, clients: Clients, clock: Clock, limit: timedelta, tell: Callable[[str], None]
) -> Build:
    """Wait for the end of a build, and tell of each state. AWS call: imagebuilder:GetImage.

    Raises `VerdictError` when it fails, `InconclusiveError` when it takes longer than `limit`.
    """
    end, status = clock.now() + limit, ""
    while clock.now() < end:
        build = _look(build, site, clients)
        if build.status != status:
            status = build.status
            tell(status)
        if status in ENDED:
            return _ended(build, site)
        clock.sleep(LOOK_EVERY.total_seconds())
    raise InconclusiveError(
        f"the build {build.arn} is {status} after {limit}",
        "it takes longer than it was given",
        f"Look into the log group {image_log_group(site, build.image)}",
    )


def _look(build: Build, site: Site, clients: Clients) -> Build:
    with translated(f"cannot look at the build {build.arn}"):
        answer = clients.client("imagebuilder", site.region).get_image(imageBuildVersionArn=build.arn)
    image = answer["image"]
    amis = {
        each["region"]: each["image"] for each in image.get("outputResources", {}).get("amis", []) if "image" in each
    }
    return Build(build.image, build.arn, image["state"]["status"], image["state"].get("reason", ""), amis)


def _ended(build: Build, site: Site) -> Build:
    if build.status == "AVAILABLE":
        return build
    raise VerdictError(
        f"the build {build.arn} ended as {build.status}",
        build.reason or "Image Builder gives no reason",
        f"Look into the log group {image_log_group(site, build.image)}",
    )
