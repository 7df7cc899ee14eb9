"""Images: built in virtual time, left as AMIs with snapshots, tags, permissions and parameters in every region.

A build takes 20 minutes, of which the tests are five. What the components write is what the AMIs hold (`builds`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import Members, ServiceError
from baseops.sandbox.services.imagebuilder import builds
from baseops.sandbox.services.imagebuilder.records import Record, matches, newest, page
from baseops.sandbox.services.imagebuilder.workflows import Workflows
from baseops.sandbox.volumes import Content, contents_of

CREATED_BY = {"CreatedBy": "EC2 Image Builder"}
BUILD_DATE = "{{ imagebuilder:buildDate }}"
STEPS = (
    ("BUILDING", timedelta(minutes=1)),
    ("TESTING", timedelta(minutes=11)),
    ("DISTRIBUTING", timedelta(minutes=16)),
)
COMPONENTS_TIME = timedelta(minutes=10)
BUILD_TIME = timedelta(minutes=20)
_SHOWN = (
    "arn", "name", "type", "version", "platform", "state", "owner", "dateCreated", "outputResources", "tags",
    "buildType", "imageSource", "deprecationTime", "loggingConfiguration",
)  # fmt: skip

LAUNCHERS = {
    "userIds": "UserId",
    "userGroups": "Group",
    "organizationArns": "OrganizationArn",
    "organizationalUnitArns": "OrganizationalUnitArn",
}


class Images(Workflows):
    """https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_GetImage.html and its neighbours."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._contents: dict[str, Content | None] = {}

    def begin_build(self, pipeline: Record, build_type: str, tags: Mapping[str, str]) -> Record:
        """Make the image's record, and let time do the rest."""
        recipe = self.find("image-recipe", pipeline["imageRecipeArn"])
        base = self.name_arn("image", recipe["name"], recipe["version"])
        build = 1 + max(
            (int(arn.rpartition("/")[2]) for arn in self.shelf("image") if arn.rpartition("/")[0] == base), default=0
        )
        record = {
            "name": recipe["name"],
            "type": "AMI",
            "version": f"{recipe['version']}/{build}",
            "platform": "Linux",
            "owner": self.account_id,
            "state": {"status": "PENDING"},
            "imageRecipe": dict(recipe),
            "sourcePipelineArn": pipeline["arn"],
            "sourcePipelineName": pipeline["name"],
            "infrastructureConfiguration": dict(
                self.find("infrastructure-configuration", pipeline["infrastructureConfigurationArn"])
            ),
            "imageTestsConfiguration": dict(pipeline["imageTestsConfiguration"]),
            "dateCreated": self.moment(),
            "outputResources": {"amis": []},
            "tags": {**tags},
            "buildType": build_type,
            "imageSource": "CUSTOM",
        }
        if pipeline.get("distributionConfigurationArn"):
            found = self.find("distribution-configuration", pipeline["distributionConfigurationArn"])
            record["distributionConfiguration"] = dict(found)
        arn: str = self.put("image", f"{base}/{build}", record)["arn"]
        ticker = self.sandbox.clock.ticker
        for status, delay in STEPS:
            ticker.after(delay, partial(self._advance, arn, status), f"{status} of {arn}")
        ticker.after(COMPONENTS_TIME, partial(self._apply_components, arn), f"components of {arn}")
        ticker.after(BUILD_TIME, partial(self._finish, arn), f"end of {arn}")
        return self.shelf("image")[arn]

    def fail(self, image_arn: str, reason: str) -> None:
        """Let a build fail, as it does when a step of a component ends with an error."""
        image = self.find("image", image_arn)
        self._set(image, {"status": "FAILED", "reason": reason})
        self.built(image["sourcePipelineArn"], "FAILED")

    def get_image(self, image_build_version_arn: str) -> Members:
        """Answer GetImage."""
        arn = newest(self.shelf("image"), image_build_version_arn) or image_build_version_arn
        return {"requestId": self.token(), "image": dict(self.find("image", arn))}

    def list_images(
        self,
        owner: str = "Self",
        filters: list[Any] | None = None,
        by_name: bool = False,
        max_results: int | None = None,
        next_token: str | None = None,
        include_deprecated: bool = False,
    ) -> Members:
        """Answer ListImages: one for each version."""
        own = [each for each in self.shelf("image").values() if owner == "Self" and matches(each, filters)]
        own = [each for each in own if include_deprecated or each["state"]["status"] != "DEPRECATED"]
        versions = {each["name"] if by_name else each["arn"].rpartition("/")[0]: each for each in own}
        shown = ("name", "type", "platform", "owner", "dateCreated", "buildType", "imageSource")
        listed = [
            {
                **{name: each[name] for name in shown},
                "arn": each["arn"].rpartition("/")[0],
                "version": each["version"].partition("/")[0],
            }
            for each in versions.values()
        ]
        found, token = page(listed, max_results, next_token)
        return {"requestId": self.token(), "imageVersionList": found, "nextToken": token}

    def list_image_build_versions(
        self,
        image_version_arn: str | None = None,
        filters: list[Any] | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Members:
        """Answer ListImageBuildVersions."""
        own = [
            each
            for arn, each in self.shelf("image").items()
            if image_version_arn in (None, arn.rpartition("/")[0]) and matches(each, filters)
        ]
        found, token = page(map(_summary, own), max_results, next_token)
        return {"requestId": self.token(), "imageSummaryList": found, "nextToken": token}

    def list_image_pipeline_images(
        self,
        image_pipeline_arn: str,
        filters: list[Any] | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Members:
        """Answer ListImagePipelineImages."""
        self.find("image-pipeline", image_pipeline_arn)
        own = [
            each
            for each in self.shelf("image").values()
            if each["sourcePipelineArn"] == image_pipeline_arn and matches(each, filters)
        ]
        found, token = page(map(_summary, own), max_results, next_token)
        return {"requestId": self.token(), "imageSummaryList": found, "nextToken": token}

    def cancel_image_creation(self, image_build_version_arn: str, client_token: str) -> Members:
        """Answer CancelImageCreation."""
        image = self.find("image", image_build_version_arn)
        if not _is_building(image):
            message = f"The image '{image_build_version_arn}' is not being built."
            raise ServiceError(message, code="InvalidRequestException", status=400)
        self._set(image, {"status": "CANCELLED"})
        self.built(image["sourcePipelineArn"], "CANCELLED")
        arn = image_build_version_arn
        return {"requestId": self.token(), "clientToken": client_token, "imageBuildVersionArn": arn}

    def delete_image(self, image_build_version_arn: str) -> Members:
        """Answer DeleteImage: the record alone; its AMIs stay."""
        image = self.find("image", image_build_version_arn)
        if _is_building(image):
            message = f"The image '{image_build_version_arn}' is being built and cannot be deleted."
            raise ServiceError(message, code="ResourceInUseException", status=400)
        self.take("image", image_build_version_arn)
        return {"requestId": self.token(), "imageBuildVersionArn": image_build_version_arn}

    # --- the course of a build ---

    def _advance(self, arn: str, status: str) -> None:
        image = self.shelf("image").get(arn)
        has_tests = bool(image and image["imageTestsConfiguration"].get("imageTestsEnabled", True))
        if image is not None and _is_building(image) and (status != "TESTING" or has_tests):
            self._set(image, {"status": status})

    def _apply_components(self, arn: str) -> None:
        """Run the components, then their tests; without the parent image there is nothing to run them over."""
        image = self.shelf("image").get(arn)
        if image is None or not _is_building(image):
            return
        ec2: Any = moto_backend("ec2", self.account_id, self.region_name)  # moto's own carry no types
        parent, components = ec2.amis.get(image["imageRecipe"]["parentImage"]), self.shelf("component")
        if parent is None:
            return
        built = builds.build(ec2, image, components, parent)
        self.note_workflow(image, "BUILD", built)
        content = built.content
        wanted = image["imageTestsConfiguration"].get("imageTestsEnabled", True)
        if content and wanted and builds.has_tests(image, components):
            built = builds.test(ec2, image, components, parent, content)
            self.note_workflow(image, "TEST", built)
        if built.failed:
            self._fail_step(image, built.failed.document.arn, "TESTING" if built.failed.phase == "test" else "BUILDING")
        else:
            self._contents[arn] = content

    def _fail_step(self, image: Record, component: str, state: str) -> None:
        """In AWS's words, as in https://github.com/aws/aws-parallelcluster/issues/3995."""
        reason = (
            f"SSM execution '{self.token()}' failed for image arn: '{image['arn']}' with status = 'Failed' in state = "
            f"'{state}' and failure message = 'Document {component} failed!'"
        )
        self.fail(image["arn"], reason)

    def _finish(self, arn: str) -> None:
        image = self.shelf("image").get(arn)
        if image is None or not _is_building(image):
            return
        try:
            self._distribute(image)
        except ClientError as error:
            self.fail(arn, f"Distribution failed: {error}")
            return
        self.built(image["sourcePipelineArn"], "AVAILABLE")
        self._set(image, {"status": "AVAILABLE"})

    def _distribute(self, image: Record) -> None:
        given = image.get("distributionConfiguration", {}).get("distributions") or [{"region": self.region_name}]
        source = self._copy(image, image["imageRecipe"]["parentImage"], self.region_name, given)
        for each in given:
            ami = each.get("amiDistributionConfiguration", {})
            made = source if each["region"] == self.region_name else self._copy(image, source, each["region"], given)
            self._share(made, each["region"], ami.get("launchPermission", {}))
            for parameter in each.get("ssmParameterConfigurations", ()):
                self._publish(parameter, made, each["region"])
            image["outputResources"]["amis"].append(
                {
                    "region": each["region"],
                    "image": made,
                    "name": self._named(image, ami),
                    "accountId": self.account_id,
                    "state": {"status": "AVAILABLE"},
                }
            )

    def _named(self, image: Record, ami: Record) -> str:
        built_at = image["dateCreated"].replace(":", "-")
        template = ami.get("name") or f"{image['name']} {BUILD_DATE}"
        return str(template.replace(BUILD_DATE, built_at))

    def _copy(self, image: Record, source: str, region: str, distributions: list[Record]) -> str:
        """An AMI under a new name, with the tags of recipe and distribution; Any: moto's own carry no types."""
        ami: Record = next(
            (each.get("amiDistributionConfiguration", {}) for each in distributions if each["region"] == region), {}
        )
        ec2 = self.clients.client("ec2", region)
        parent: Any = moto_backend("ec2", self.account_id, self.region_name).amis.get(source)
        made = str(
            ec2.copy_image(SourceImageId=source, SourceRegion=self.region_name, Name=self._named(image, ami))["ImageId"]
        )
        kept: Any = moto_backend("ec2", self.account_id, region).amis[made]
        kept.root_device_name, kept.root_device_type = parent.root_device_name, "ebs"
        if source == image["imageRecipe"]["parentImage"]:
            self._fill(image["arn"], kept, region)
        kept.creation_date = self.now().replace(tzinfo=None)
        kept.ebs_snapshot.encrypted = bool(ami.get("kmsKeyId"))
        kept.ebs_snapshot.kms_key_id = ami.get("kmsKeyId")
        tags = {
            **image["imageRecipe"].get("amiTags", {}),
            **ami.get("amiTags", {}),
            **CREATED_BY,
            "Ec2ImageBuilderArn": image["arn"],
        }
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        ec2.create_tags(Resources=[made, kept.ebs_snapshot.id], Tags=listed)
        return made

    def _fill(self, arn: str, ami: Any, region: str) -> None:
        """Give the first AMI's snapshot what was built; nothing, where that is not known."""
        ec2: Any = moto_backend("ec2", self.account_id, region)  # as above
        content = self._contents.pop(arn, None) or Content()
        contents_of(ec2).snapshots[ami.ebs_snapshot.id] = Content(content.blocks, ami.ebs_snapshot.id)

    def _share(self, made: str, region: str, permission: Record) -> None:
        """https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_LaunchPermissionConfiguration.html."""
        added = [{kind: each} for given, kind in LAUNCHERS.items() for each in permission.get(given, ())]
        if added:
            self.clients.client("ec2", region).modify_image_attribute(ImageId=made, LaunchPermission={"Add": added})

    def _publish(self, parameter: Record, made: str, region: str) -> None:
        self.clients.client("ssm", region).put_parameter(
            Name=parameter["parameterName"],
            Value=made,
            Type="String",
            DataType=parameter.get("dataType", "text"),
            Overwrite=True,
        )

    def _set(self, image: Record, state: Record) -> None:
        former = image["state"]
        image["state"] = state
        self.announce(image, former)

    def announce(self, image: Record, former: Record) -> None:
        """Tell EventBridge. https://docs.aws.amazon.com/imagebuilder/latest/userguide/integ-eventbridge.html."""
        raise ServiceError(f"nobody is told of {image['arn']} after {former}", code="ServiceException")


def _is_building(image: Record) -> bool:
    return image["state"]["status"] in ("PENDING", "BUILDING", "TESTING", "DISTRIBUTING")


def _summary(image: Record) -> Record:
    return {name: image[name] for name in _SHOWN if name in image}
