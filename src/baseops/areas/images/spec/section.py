"""The images section: golden AMIs by name, and claims for the account. Models alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from baseops.areas.images.spec.building import Base, Component, Schedule, Tests, Volume, widened
from baseops.areas.images.spec.life import Exemption, ImageCheck, LaunchPermission, Promise, Retire, UsedBy
from baseops.areas.images.spec.values import InstanceType, ParameterName, SecurityGroupId, SubnetId, VpcId, Watermark
from baseops.fields import AccountId, AreaSection, EntryName, Region, Strict, TagMap, matching


class Entry(Strict):
    """One golden image."""

    managed: bool = True
    """false: somebody else builds it; baseops makes nothing and holds what `publish` names to the promise."""
    enabled: bool = True
    base: Base | None = None
    components: Annotated[
        tuple[Annotated[Component, BeforeValidator(widened, json_schema_input_type=str | Component)], ...],
        Field(max_length=20),
    ] = ()
    schedule: Schedule | None = None
    promise: Promise
    instance_types: Annotated[tuple[InstanceType, ...], Field(min_length=1, max_length=25)] = ("t3.medium",)
    subnet: SubnetId | None = None
    """Where builds run; the site's `network.build_subnet` unless it is written."""
    vpc: VpcId | None = None
    """The subnet's VPC: builds then get a security group of their own, without ingress."""
    security_groups: Annotated[tuple[SecurityGroupId, ...], Field(max_length=5)] = ()
    """Existing security groups in place of one of our own."""
    default_vpc: bool = False
    """Build in the account's default VPC, where there is no build subnet."""
    volumes: Annotated[tuple[Volume, ...], Field(min_length=1, max_length=10)] | None = None
    """The volumes of the image; the base's root volume, encrypted, unless they are written."""
    regions: Annotated[tuple[Region, ...], Field(min_length=1)] | None = None
    """Where the image is distributed; the primary region alone unless they are written."""
    launch_permission: LaunchPermission = LaunchPermission()
    copies_to: Annotated[tuple[AccountId, ...], Field(max_length=100)] = ()
    """Accounts that get a copy of their own, which they own; needs a role there."""
    publish: ParameterName | None = None
    """The parameter, of type aws:ec2:image and in every region, that names the newest AMI."""
    protect: bool = False
    """Nobody can deregister the published AMI by accident; each build moves the protection to what it publishes."""
    retire: Retire | None = None
    used_by: UsedBy | None = None
    exempt: tuple[Exemption, ...] = ()
    checks: tuple[ImageCheck, ...] = ()
    watermarks: Annotated[tuple[Watermark, ...], Field(max_length=5)] = ()
    """Marks that Allowed AMIs can ask for."""
    tests: Tests = Tests()
    failure_count: Annotated[int, Field(ge=1, le=10)] = 3
    """After so many failed builds in a row the pipeline is disabled."""
    log_retention_days: Literal[
        7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
    ] = 400
    tags: TagMap = Field(default_factory=dict, max_length=40)
    """Further tags of the AMIs."""


class AllowedAmis(Strict):
    """Which AMIs of others the account may see and launch; its own always. In every region of the declaration.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-allowed-amis.html
    """

    state: Literal["audit-mode", "enabled"]
    """`audit-mode` only marks what would be refused: rehearse with it first."""
    providers: Annotated[
        tuple[
            Annotated[
                str,
                matching(
                    r"amazon|aws-marketplace|aws-backup-vault|none|\d{12}",
                    "amazon, aws-marketplace, aws-backup-vault, none or an account id",
                ),
            ],
            ...,
        ],
        Field(min_length=1, max_length=200),
    ]
    names: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=128)], ...], Field(max_length=50)] = ()
    """Only AMIs with such a name; * and ? are wildcards."""


class AccountClaims(Strict):
    """Claims for the whole account, in every region of the declaration; each is off unless written."""

    allowed_amis: AllowedAmis | None = None


class Section(AreaSection):
    """Images by name."""

    __pydantic_extra__: dict[EntryName, Entry] = Field(init=False)
    account: AccountClaims = AccountClaims()

    @property
    def entries(self) -> dict[str, Entry]:
        """The images by name."""
        return self.__pydantic_extra__

    @property
    def managed(self) -> Mapping[str, Entry]:
        """Those that baseops builds."""
        return {name: entry for name, entry in self.entries.items() if entry.managed}
