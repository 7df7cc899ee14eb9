"""What CloudFormation has no type for: Allowed AMIs, and protection of published AMIs from deregistration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from baseops.areas.images import sources
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.refs import Refs
from baseops.contract.setting import Setting
from baseops.contract.types import AreaName, Json

if TYPE_CHECKING:
    from baseops.areas.images.spec import AllowedAmis as Claim
    from baseops.areas.images.spec import Entry, Section

# Any: botocore's clients and answers.

PROTECTION = "images/deregistration-protection/"


def settings(section: Section, refs: Refs) -> Sequence[Setting]:
    """Protection first: an AMI that nobody may see any more can still be protected, but it reads better so."""
    site = refs.site
    found: list[Setting] = []
    for name, entry in section.managed.items():
        if entry.protect:
            found += _protections(name, entry, refs)
    claim = section.account.allowed_amis
    if claim is not None:
        found += [AllowedImages(region, _wanted(claim)) for region in (site.region, *site.regions)]
    return found


def released(setting_id: str, region: str) -> Setting | None:
    """The setting of an ownership record whose claim is no longer declared."""
    if setting_id == AllowedImages.id:
        return AllowedImages(region, None)
    if not setting_id.startswith(PROTECTION):
        return None
    declaration, _, image = setting_id.removeprefix(PROTECTION).partition("/")
    return PublishedImageProtection(region, declaration, image, "")


def _protections(name: str, entry: Entry, refs: Refs) -> list[Setting]:
    site = refs.site
    regions = entry.regions or (site.region,)
    return [PublishedImageProtection(region, site.name, name, str(entry.publish)) for region in regions]


def _wanted(claim: Claim) -> Json:
    criterion: dict[str, Json] = {"ImageProviders": [*sorted(claim.providers)]}
    if claim.names:
        criterion["ImageNames"] = [*sorted(claim.names)]
    return {"state": claim.state, "criteria": [criterion]}


@dataclass(frozen=True)
class AllowedImages:
    """Which AMIs of others may be used in one region.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/manage-settings-allowed-amis.html
    """

    region: str
    desired: Json
    id: str = "images/allowed-amis"
    area: AreaName = "images"
    singleton: bool = True
    claimed_at_once: bool = False

    def read(self, clients: Clients) -> Json:
        """State and criteria. AWS call: ec2:GetAllowedImagesSettings."""
        with translated(f"cannot read the Allowed AMIs setting of {self.region}"):
            answer = self._ec2(clients).get_allowed_images_settings()
        criteria: list[Json] = [_sorted(each) for each in answer.get("ImageCriteria", [])]
        return {"state": str(answer.get("State", "disabled")), "criteria": criteria}

    def write(self, clients: Clients) -> None:
        """AWS calls: ec2:ReplaceImageCriteriaInAllowedImagesSettings, ec2:EnableAllowedImagesSettings."""
        self._put(clients, self.desired)

    def restore(self, clients: Clients, former: Json) -> None:
        """Give back the former state and criteria: letting go leaves the account as it was found."""
        self._put(clients, former)

    def unset_reason(self, current: Json) -> str:
        """`enabled` is never turned into the weaker `audit-mode`."""
        wanted, now = (each.get("state") if isinstance(each, dict) else "" for each in (self.desired, current))
        if now == "enabled" and wanted == "audit-mode":
            return f"{self.region} refuses AMIs already (enabled); write state: enabled, or disable it by hand first"
        return ""

    def _put(self, clients: Clients, value: Json) -> None:
        given = value if isinstance(value, dict) else {}
        ec2, state = self._ec2(clients), given.get("state")
        remedy = "A declarative policy of the organisation may hold it; ask for it there."
        with translated(f"cannot write the Allowed AMIs setting of {self.region}", remedy):
            # The criteria first: enabling without them would refuse everything for a moment.
            ec2.replace_image_criteria_in_allowed_images_settings(ImageCriteria=given.get("criteria") or [])
            if state in ("audit-mode", "enabled"):
                ec2.enable_allowed_images_settings(AllowedImagesSettingsState=state)
            else:
                ec2.disable_allowed_images_settings()

    def _ec2(self, clients: Clients) -> Any:
        return clients.client("ec2", self.region)


def _sorted(criterion: Mapping[str, Any]) -> dict[str, Json]:
    return {key: [*sorted(value)] if isinstance(value, list) else value for key, value in criterion.items() if value}


@dataclass(frozen=True)
class PublishedImageProtection:
    """The published AMI of one image in one region cannot be deregistered; older ones can.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html. Each build publishes
    another AMI, and the stack's automation moves the protection to it; apply does so for what was there before.
    """

    region: str
    declaration: str
    image: str
    publish: str
    area: AreaName = "images"
    singleton: bool = False
    claimed_at_once: bool = True

    @property
    def id(self) -> str:
        """By declaration and image; the region is the record's."""
        return f"{PROTECTION}{self.declaration}/{self.image}"

    @property
    def desired(self) -> Json:
        """Only the published AMI is protected."""
        return {"published": "protected", "older": []}

    def read(self, clients: Clients) -> Json:
        """None while nothing is published. AWS calls: ssm:GetParameter, ec2:DescribeImages."""
        published = sources.parameter(clients, self.region, self.publish)
        if published is None:
            return None
        protected = self._protected(clients)
        older: list[Json] = [each for each in protected if each != published]
        return {"published": "protected" if published in protected else "unprotected", "older": older}

    def write(self, clients: Clients) -> None:
        """AWS calls: ec2:EnableImageDeregistrationProtection, and Disable for older ones of ours."""
        published = sources.parameter(clients, self.region, self.publish)
        protected = self._protected(clients)
        if published and published not in protected:
            with translated(f"cannot protect {published} in {self.region}"):
                self._ec2(clients).enable_image_deregistration_protection(ImageId=published, WithCooldown=False)
        self._release(clients, [each for each in protected if each != published])

    def restore(self, clients: Clients, former: Json) -> None:  # noqa: ARG002  # the protocol's signature
        """Release all AMIs of this image: nobody would move the protection any more, and they could never go."""
        self._release(clients, self._protected(clients))

    def unset_reason(self, current: Json) -> str:
        """Nothing to protect before the first build."""
        return "" if current else f"{self.publish} names no AMI yet; the first build will be protected"

    def _protected(self, clients: Clients) -> list[str]:
        found = sources.own_amis(clients, self.region, self.declaration, self.image)
        return [
            str(each["ImageId"]) for each in found if each.get("DeregistrationProtection", "").startswith("enabled")
        ]

    def _release(self, clients: Clients, image_ids: Sequence[str]) -> None:
        for each in image_ids:
            with translated(f"cannot release {each} in {self.region}"):
                self._ec2(clients).disable_image_deregistration_protection(ImageId=each)

    def _ec2(self, clients: Clients) -> Any:
        return clients.client("ec2", self.region)
