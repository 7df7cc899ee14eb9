"""What every area has: the parts that the workflow calls, as protocols that the area's modules fulfil.

A part is a module `baseops.areas.<area>.<part>`; the registry loads it on first use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from baseops.contract.clients import Clients
from baseops.contract.drill import Drill, Sabotage
from baseops.contract.finding import Finding
from baseops.contract.lock import Lock
from baseops.contract.needs import Needs
from baseops.contract.refs import Refs
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.setting import Setting
from baseops.contract.site import Site

if TYPE_CHECKING:
    from pydantic import BaseModel

# A section is the area's own pydantic model; only the area looks inside, so the workflow holds it as Any.
AnySection: TypeAlias = Any


class SpecPart(Protocol):
    """`spec.py`: the door. `Section` is a pydantic model with `.entries: dict[str, Entry]` and `.account`."""

    Section: type[BaseModel]

    def check(self, section: AnySection, site: Site) -> list[Finding]:
        """Cross-references, AWS limits and traps that the schema cannot say; paths begin with the area."""


class StackPart(Protocol):
    """`stack.py`: the declaration as CloudFormation."""

    def needs(self, section: AnySection, site: Site) -> Needs:
        """What the foundation must provide; pure."""

    def build(self, section: AnySection, stack: Any, refs: Refs) -> None:
        """Add the area's resources to `stack` (cloudformation.builder.StackBuilder) of the primary region."""

    def build_region(self, section: AnySection, stack: Any, refs: Refs) -> None:
        """Add what the area needs in a further region (`stack.region`) to that region's small stack."""


class SettingsPart(Protocol):
    """`settings.py`: what CloudFormation has no type for."""

    def settings(self, section: AnySection, refs: Refs) -> Sequence[Setting]:
        """The declared settings, in the order in which they are applied."""

    def released(self, setting_id: str, region: str) -> Setting | None:
        """The setting of an ownership record that is declared no longer, for its `restore`; None for no such id."""


class WorldPart(Protocol):
    """`world.py`: what the declaration expects to find in an account, made in the sandbox before apply."""

    def build(self, section: AnySection, account: SandboxAccount, site: Site) -> None:
        """Make it by ordinary API calls."""

    def as_made(self, section: AnySection, account: SandboxAccount) -> AnySection:
        """The section with what this world could only make itself in the place of what its owner alone has."""

    def follow(self, section: AnySection, account: SandboxAccount, site: Site) -> None:
        """Do what people do once it is applied: add the DNS records that were printed, put values by hand."""

    def live(self, section: AnySection, account: SandboxAccount, site: Site) -> None:
        """Do what goes on once it has run for a while: instances of what was built, files that change, log lines.

        Called once, days after `follow` and an hour before the drills; it may wait on the account's clock.
        """


class RehearsePart(Protocol):
    """`rehearse.py`: what can be known without AWS."""

    def judge(self, section: AnySection, refs: Refs) -> list[Finding]:
        """Findings on the declaration's meaning: filters linted, policies evaluated, records expected."""


class AccountPart(Protocol):
    """`account.py`: what only the account knows, read with describe calls alone."""

    def complete_lock(self, section: AnySection, lock: Lock, clients: Clients) -> Lock:
        """The lock with what only the account knows (an image's base) added where it is missing."""

    def preflight(self, section: AnySection, site: Site, clients: Clients) -> list[Finding]:
        """What `check --account` says before anything is applied."""

    def pending(self, section: AnySection, refs: Refs, clients: Clients) -> list[Finding]:
        """What waits outside after apply: DNS records, confirmations, values to put."""


class ProvePart(Protocol):
    """`prove.py`: the drills."""

    def drills(self, section: AnySection, refs: Refs) -> Sequence[Drill]:
        """The drills of the declared entries, `managed: false` included; pure, asks AWS nothing."""


class SabotagePart(Protocol):
    """`sabotage.py`: the breaks that show that the drills can fail."""

    def sabotages(self, section: AnySection, site: Site) -> Sequence[Sabotage]:
        """The breaks that the drills of this section must notice; pure."""
