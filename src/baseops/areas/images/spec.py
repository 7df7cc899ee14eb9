"""The images section: golden AMIs by name, what is promised of them, and claims for the account.

Models alone; what they cannot say about themselves is in `checks`. It reads no account.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from baseops.areas.images import checks
from baseops.aws.clock import SystemClock
from baseops.contract.finding import Finding
from baseops.contract.site import Site
from baseops.fields import (
    AccountId,
    AreaSection,
    Cron,
    Days,
    Duration,
    EntryName,
    Region,
    Strict,
    TagMap,
    matching,
)

# Any, in the validators: whatever stood in the YAML file.

BUILTIN = ("update", "harden", "cloudwatch-agent")
"""Components that baseops brings; every other one is a file of the declaration's folder or an ARN."""

_PARTS = r"arn:aws[\w-]*"
ImageId = Annotated[str, matching(r"ami-[0-9a-f]{8,17}", "the id of an AMI such as ami-0a1b2c3d4e5f67890")]
ParameterName = Annotated[
    str,
    matching(
        r"/[\w.-]+(?:/[\w.-]+){0,14}",
        "a parameter name that begins with / such as /acme/images/web",
    ),
]
PublicParameter = Annotated[
    str,
    matching(
        r"/[\w.-]+(?:/[\w.-]+)*",
        "the name of a parameter that holds an AMI id, such as "
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    ),
]
Owner = Annotated[
    str, matching(r"self|amazon|aws-marketplace|\d{12}", "self, amazon, aws-marketplace or an account id")
]
ComponentArn = Annotated[
    str,
    matching(
        rf"{_PARTS}:imagebuilder:[a-z0-9-]+:(?:\d{{12}}|aws(?:-[a-z-]+)?|third-party):component/[a-z0-9_-]+/"
        r"(?:(?:\d+|x)\.(?:\d+|x)\.(?:\d+|x)|\d+\.\d+\.\d+/\d+)",
        "the ARN of a component with its version, such as arn:aws:imagebuilder:eu-west-1:aws:component/"
        "amazon-cloudwatch-agent-linux/1.0.1/1 or …/x.x.x",
    ),
]
OrganizationArn = Annotated[
    str,
    matching(
        rf"{_PARTS}:organizations::\d{{12}}:organization/o-[a-z0-9]{{10,32}}",
        "the ARN of an organisation such as arn:aws:organizations::111111111111:organization/o-abcde12345",
    ),
]
UnitArn = Annotated[
    str,
    matching(
        rf"{_PARTS}:organizations::\d{{12}}:ou/o-[a-z0-9]{{10,32}}/ou-[0-9a-z]{{4,32}}-[0-9a-z]{{8,32}}",
        "the ARN of an organizational unit such as "
        "arn:aws:organizations::111111111111:ou/o-abcde12345/ou-ab12-cdefgh34",
    ),
]
SubnetId = Annotated[str, matching(r"subnet-(?:[0-9a-f]{8}|[0-9a-f]{17})", "a subnet id such as subnet-0a1b2c3d")]
VpcId = Annotated[str, matching(r"vpc-(?:[0-9a-f]{8}|[0-9a-f]{17})", "a VPC id such as vpc-0a1b2c3d")]
SecurityGroupId = Annotated[
    str, matching(r"sg-(?:[0-9a-f]{8}|[0-9a-f]{17})", "a security group id such as sg-0a1b2c3d")
]
InstanceType = Annotated[str, matching(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "an instance type such as t3.medium")]
DeviceName = Annotated[str, matching(r"/dev/[a-z0-9]{2,14}", "a device name such as /dev/xvda")]
AbsolutePath = Annotated[str, matching(r"/[^\x00-\x1f]{1,4095}", "an absolute path such as /usr/sbin/nginx")]
Watermark = Annotated[
    str,
    matching(
        r"[A-Za-z0-9()\[\]./'@_-](?:[A-Za-z0-9 ()\[\]./'@_-]{1,126})[A-Za-z0-9()\[\]./'@_-]",
        "3-128 letters, digits, spaces and ( ) [ ] . / ' @ _ -",
    ),
]
TimezoneName = Annotated[str, matching(r"[A-Za-z0-9]{2,}(?:/[A-Za-z0-9_+-]+)*", "a time zone such as Europe/Berlin")]
InstanceId = Annotated[str, matching(r"i-[0-9a-f]{8,17}", "an instance id such as i-0a1b2c3d4e5f67890")]
Text = Annotated[str, matching(r"[^\x00-\x08\x0b-\x1f]{0,4096}", "text of at most 4096 characters")]


def _component_file(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value in BUILTIN:
        return value
    path = PurePosixPath(value)
    if path.suffix in (".yaml", ".yml") and not path.is_absolute() and ".." not in path.parts:
        return value
    if path.suffix in (".yaml", ".yml"):
        raise ValueError(
            f"expected a file below the declaration's folder such as ./components/nginx.yaml, got {value!r}"
        )
    raise ValueError(
        f"expected one of {', '.join(BUILTIN)}, a file such as ./components/nginx.yaml, or {{arn: …}}, got {value!r}"
    )


def _widened(value: Any) -> Any:
    """A bare text is the component alone, without parameters."""
    return {"component": value} if isinstance(value, str) else value


ComponentName = Annotated[str, BeforeValidator(_component_file)]


class Base(Strict):
    """What the image is built from. The lock beside the declaration pins the AMI; only `images update` moves it."""

    parameter: PublicParameter | None = None
    """A public parameter that names the newest AMI; looked up when the base is locked, never at build time."""
    image_id: ImageId | None = None
    """One AMI of the primary region."""
    name: Annotated[str, Field(min_length=3, max_length=128)] | None = None
    """A name with wildcards: the newest AMI of the owner with such a name."""
    owner: Owner | None = None
    """Whose AMI `name` looks for. Never left to chance: anybody can publish an AMI of any name."""
    architecture: Literal["x86_64", "arm64"] | None = None
    """Which of the AMIs with that name."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [key for key in ("parameter", "image_id", "name") if getattr(self, key)]
        if len(given) != 1:
            raise ValueError("write exactly one of `parameter`, `image_id` and `name` (with `owner`)")
        if bool(self.name) != bool(self.owner):
            raise ValueError("`name` and `owner` belong together: write for example {name: acme-base-*, owner: self}")
        if self.architecture and not self.name:
            raise ValueError("`architecture` chooses among the AMIs that `name` finds: delete it, or write `name`")
        return self


class Component(Strict):
    """One step of the build: a component of baseops, a file of one's own, or one that exists by ARN."""

    component: ComponentName | None = None
    arn: ComponentArn | None = None
    parameters: dict[Annotated[str, matching(r"[A-Za-z0-9_-]{1,127}", "a parameter name")], Text | list[Text]] = Field(
        default={}, description="Values of the parameters that the component's document declares."
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.component is None) == (self.arn is None):
            raise ValueError("write either `component` (a name or a file) or `arn`")
        return self


class Schedule(Strict):
    """When the image is built anew."""

    cron: Cron
    timezone: TimezoneName = "UTC"


class Volume(Strict):
    """A volume of the image, always encrypted with the images key."""

    device: DeviceName
    size: (
        Annotated[int, Field(ge=1, le=16000, description="In GiB; the base's own size unless it is written.")] | None
    ) = None
    type: Literal["gp3", "gp2", "io1", "io2", "st1", "sc1", "standard"] = "gp3"
    iops: Annotated[int, Field(ge=100, le=64000)] | None = None
    throughput: Annotated[int, Field(ge=125, le=1000, description="In MiB a second; gp3 only.")] | None = None
    delete_on_termination: bool = True


class LaunchPermission(Strict):
    """Who else may launch the AMI, which stays in this account. Never everybody."""

    accounts: Annotated[tuple[AccountId, ...], Field(max_length=1536)] = ()
    organization: OrganizationArn | None = None
    organizational_units: Annotated[tuple[UnitArn, ...], Field(max_length=25)] = ()

    @property
    def is_given(self) -> bool:
        """Whether it is shared with anybody."""
        return bool(self.accounts or self.organization or self.organizational_units)


class Retire(Strict):
    """What becomes of old images. Image Builder looks once a day."""

    deprecate_after: Days | None = None
    """Hidden from searches; can still be launched."""
    disable_after: Days | None = None
    """Cannot be launched any more, and whoever it was shared with loses it."""
    delete_after: Days | None = None
    """Deregistered, with its snapshots."""
    retain_at_least: Annotated[int, Field(ge=1, le=10)] = 5
    """So many are never deleted, counted for each version of the recipe."""
    not_launched_for: Days | None = None
    """Leave an AMI alone that was launched in this time; EC2 knows with a delay of a day."""
    keep_tags: TagMap = Field(default_factory=dict, max_length=50)
    """AMIs with any one of these tags are left alone."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.deprecate_after or self.disable_after or self.delete_after):
            raise ValueError("write at least one of `deprecate_after`, `disable_after` and `delete_after`")
        return self


class UsedBy(Strict):
    """Which instances should run this image, and how far behind they may be."""

    tags: Annotated[TagMap, Field(min_length=1, max_length=50)]
    versions_behind: Annotated[int, Field(ge=0, le=50)] = 2


class Exemption(Strict):
    """Instances that need not run the image: nodes of a cluster service, appliances."""

    tags: TagMap = Field(default_factory=dict, max_length=50)
    instances: tuple[InstanceId, ...] = ()
    reason: Annotated[str, Field(min_length=5, max_length=500)]
    expires: date

    @model_validator(mode="after")
    def _someone(self) -> Self:
        if not (self.tags or self.instances):
            raise ValueError("say which instances: write `tags` or `instances`")
        return self


class ImageCheck(Strict):
    """What must be true of the image: exactly one of `file`, `absent`, `package` and `run`."""

    file: AbsolutePath | None = None
    """This file exists."""
    mode: Annotated[str, matching(r"0?[0-7]{3,4}", 'a quoted mode such as "0644"')] | None = None
    """With these permissions."""
    owner: Annotated[str, matching(r"[a-z_][a-z0-9_-]{0,31}", "a user name")] | None = None
    """Of this user."""
    contains: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    """With this text in it."""
    absent: AbsolutePath | None = None
    """This path does not exist; wildcards may stand in it."""
    package: Annotated[str, matching(r"[A-Za-z0-9][\w.+-]{0,127}", "a package name")] | None = None
    """This package is installed."""
    run: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    """This command ends with 0, on an instance of the image."""

    @model_validator(mode="after")
    def _one_statement(self) -> Self:
        given = [key for key in ("file", "absent", "package", "run") if getattr(self, key)]
        if len(given) != 1:
            raise ValueError("write exactly one of `file`, `absent`, `package` and `run` in each check")
        extra = [key for key in ("mode", "owner", "contains") if getattr(self, key)]
        if extra and not self.file:
            raise ValueError(f"`{extra[0]}` belongs to `file`")
        return self


class Tests(Strict):
    """Image Builder's own test stage: an instance is launched from the new AMI and `test` phases run on it."""

    enabled: bool = True
    timeout: Duration = timedelta(minutes=90)


class Promise(Strict):
    """What drills hold the image to."""

    max_age: Duration
    """The newest image is at most this old."""
    max_base_age: Duration | None = None
    """Its base was published at most this long ago: a rebuild on an old base installs the old packages again."""


class Entry(Strict):
    """One golden image."""

    managed: bool = True
    """false: somebody else builds it; baseops makes nothing and holds what `publish` names to the promise."""
    enabled: bool = True
    base: Base | None = None
    components: Annotated[
        tuple[Annotated[Component, BeforeValidator(_widened, json_schema_input_type=str | Component)], ...],
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
    """Nobody can deregister the published AMI by accident."""
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


def check(section: Section, site: Site) -> list[Finding]:
    """Cross-references, AWS limits and traps that the models cannot say alone; reads the component files."""
    return checks.check(section, site, SystemClock().now().date())
