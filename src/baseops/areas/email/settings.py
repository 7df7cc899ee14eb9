"""What CloudFormation has no type for: the account's suppression, active receipt rule set and deliverability manager.

These are singletons of an account and region, left alone unless the declaration claims them. The policies of
identities are in `delegation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from baseops.areas.email.delegation import identity_policies
from baseops.areas.email.identities import identities, inbound_rules, rule_set_name
from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.refs import Refs
from baseops.contract.setting import Setting
from baseops.contract.types import AreaName, Json

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section

# Any: botocore's clients and answers.


def settings(section: Section, refs: Refs) -> Sequence[Setting]:
    """What is claimed and who else may send. They come after the stacks: a rule set is activated with its rules."""
    claims, region = section.account, refs.site.region
    found: list[Setting] = []
    if claims.suppression is not None:
        found.append(AccountSuppression(region, list(claims.suppression)))
    if claims.vdm:
        found.append(DeliverabilityManager(region, claims.vdm.dashboard, claims.vdm.optimized_delivery))
    if claims.receipt_rule_set == "own" and inbound_rules(section):
        found.append(ActiveRuleSet(region, rule_set_name(section, refs.site.prefix)))
    return [*found, *identity_policies(identities(section, managed_only=True), refs.site)]


def released(setting_id: str, region: str) -> Setting | None:
    """The setting of an ownership record whose claim is no longer declared."""
    known = (AccountSuppression(region, []), DeliverabilityManager(region, False, False), ActiveRuleSet(region, ""))
    return next((each for each in known if each.id == setting_id), None)


@dataclass(frozen=True)
class _Singleton:
    region: str
    area: AreaName = field(default="email", init=False)
    singleton: bool = field(default=True, init=False)
    claimed_at_once: bool = field(default=False, init=False)

    def unset_reason(self, current: Json) -> str:  # noqa: ARG002  # the protocol's signature
        """Apply can always write it."""
        return ""


@dataclass(frozen=True)
class AccountSuppression(_Singleton):
    """For which reasons SES puts addresses on the account's suppression list.

    https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html
    """

    reasons: list[str]
    id: str = field(default="email/account-suppression", init=False)

    @property
    def desired(self) -> Json:
        """The reasons, sorted."""
        return [*sorted(self.reasons)]

    def read(self, clients: Clients) -> Json:
        """AWS call: ses:GetAccount."""
        with translated("cannot read the account's suppression setting"):
            account = _ses(clients, self.region).get_account()
        return [*sorted(account.get("SuppressionAttributes", {}).get("SuppressedReasons", []))]

    def write(self, clients: Clients) -> None:
        """AWS call: ses:PutAccountSuppressionAttributes."""
        self._put(clients, self.reasons)

    def restore(self, clients: Clients, former: Json) -> None:
        """Give back the former reasons."""
        self._put(clients, former if isinstance(former, list) else [])

    def _put(self, clients: Clients, reasons: Sequence[Json]) -> None:
        with translated("cannot write the account's suppression setting"):
            _ses(clients, self.region).put_account_suppression_attributes(SuppressedReasons=list(reasons))


@dataclass(frozen=True)
class DeliverabilityManager(_Singleton):
    """The Virtual Deliverability Manager of the account.

    https://docs.aws.amazon.com/ses/latest/dg/vdm.html
    """

    dashboard: bool
    optimized_delivery: bool
    id: str = field(default="email/deliverability-manager", init=False)

    @property
    def desired(self) -> Json:
        """The three switches as SES names them."""
        return _switches(True, self.dashboard, self.optimized_delivery)

    def read(self, clients: Clients) -> Json:
        """AWS call: ses:GetAccount."""
        with translated("cannot read the account's deliverability manager"):
            found = _ses(clients, self.region).get_account().get("VdmAttributes", {})
        return _switches(
            found.get("VdmEnabled") == "ENABLED",
            found.get("DashboardAttributes", {}).get("EngagementMetrics") == "ENABLED",
            found.get("GuardianAttributes", {}).get("OptimizedSharedDelivery") == "ENABLED",
        )

    def write(self, clients: Clients) -> None:
        """AWS call: ses:PutAccountVdmAttributes."""
        self._put(clients, self.desired)

    def restore(self, clients: Clients, former: Json) -> None:
        """Give back the former switches."""
        self._put(clients, former)

    def _put(self, clients: Clients, switches: Json) -> None:
        given: dict[str, Json] = switches if isinstance(switches, dict) else {}
        with translated("cannot write the account's deliverability manager"):
            _ses(clients, self.region).put_account_vdm_attributes(
                VdmAttributes={
                    "VdmEnabled": given.get("vdm", "DISABLED"),
                    "DashboardAttributes": {"EngagementMetrics": given.get("dashboard", "DISABLED")},
                    "GuardianAttributes": {"OptimizedSharedDelivery": given.get("optimized_delivery", "DISABLED")},
                }
            )


@dataclass(frozen=True)
class ActiveRuleSet(_Singleton):
    """Which receipt rule set receives the mail of the region; there is one, and the others do nothing.

    https://docs.aws.amazon.com/ses/latest/APIReference/API_SetActiveReceiptRuleSet.html
    """

    rule_set: str
    id: str = field(default="email/active-receipt-rule-set", init=False)

    @property
    def desired(self) -> Json:
        """The rule set's name."""
        return self.rule_set

    def read(self, clients: Clients) -> Json:
        """AWS call: ses:DescribeActiveReceiptRuleSet."""
        with translated("cannot read the active receipt rule set"):
            answer = clients.client("ses", self.region).describe_active_receipt_rule_set()
        name = answer.get("Metadata", {}).get("Name")
        return str(name) if name else None

    def write(self, clients: Clients) -> None:
        """AWS call: ses:SetActiveReceiptRuleSet."""
        self._activate(clients, self.rule_set)

    def restore(self, clients: Clients, former: Json) -> None:
        """Activate the former rule set, or none; our own could not be deleted while it is active."""
        self._activate(clients, str(former) if former else None)

    def _activate(self, clients: Clients, name: str | None) -> None:
        chosen = {"RuleSetName": name} if name else {}
        with translated(f"cannot activate the receipt rule set {name or '(none)'}"):
            clients.client("ses", self.region).set_active_receipt_rule_set(**chosen)


def _switches(vdm: bool, dashboard: bool, optimized_delivery: bool) -> dict[str, Json]:
    words = {"vdm": vdm, "dashboard": vdm and dashboard, "optimized_delivery": vdm and optimized_delivery}
    return {name: "ENABLED" if on else "DISABLED" for name, on in words.items()}


def _ses(clients: Clients, region: str) -> Any:
    return clients.client("sesv2", region)
