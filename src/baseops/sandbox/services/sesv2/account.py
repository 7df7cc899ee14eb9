"""Operations on what holds for the whole account: leave to send, suppression, tags."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from baseops.sandbox.services.sesv2.errors import BadRequestError, NotFoundError
from baseops.sandbox.services.sesv2.identities import IdentityOperations
from baseops.sandbox.services.sesv2.state import AccountState, SuppressedAddress

# Any throughout: members of AWS's shapes, whose types only the botocore model knows.


class AccountOperations(IdentityOperations):
    """GetAccount and its kin."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.account = AccountState()
        self.suppressed: dict[str, SuppressedAddress] = {}

    def get_account(self) -> dict[str, Any]:
        account = self.account
        answer: dict[str, Any] = {
            "DedicatedIpAutoWarmupEnabled": True,
            "EnforcementStatus": account.enforcement,
            "ProductionAccessEnabled": account.has_production_access,
            "SendQuota": {
                "Max24HourSend": account.daily_quota,
                "MaxSendRate": account.rate,
                "SentLast24Hours": float(self.sent_last_day()),
            },
            "SendingEnabled": account.is_sending,
            "SuppressionAttributes": {"SuppressedReasons": list(account.suppressed_reasons)},
            "VdmAttributes": dict(account.vdm),
        }
        return {**answer, "Details": dict(account.details)} if account.details else answer

    def sent_last_day(self) -> int:
        """How many messages were sent in the last 24 hours; sending says."""
        return 0

    def put_account_details(
        self, *, mail_type: str, website_url: str, production_access_enabled: bool | None = None, **details: Any
    ) -> dict[str, Any]:
        # The review by people at AWS, which takes a day or more, is not played: leave is given at once.
        if production_access_enabled is not None:
            self.account.has_production_access = production_access_enabled
        self.account.details = {"MailType": mail_type, "WebsiteURL": website_url}
        use_case = details.get("use_case_description")
        if use_case:
            self.account.details["UseCaseDescription"] = use_case
        return {}

    def put_account_sending_attributes(self, *, sending_enabled: bool = False) -> dict[str, Any]:
        self.account.is_sending = sending_enabled
        return {}

    def put_account_suppression_attributes(
        self, *, suppressed_reasons: list[str] | None = None, **_: Any
    ) -> dict[str, Any]:
        self.account.suppressed_reasons = list(suppressed_reasons or ())
        return {}

    def put_account_vdm_attributes(self, *, vdm_attributes: dict[str, Any]) -> dict[str, Any]:
        self.account.vdm = dict(vdm_attributes)
        return {}

    def put_suppressed_destination(self, *, email_address: str, reason: str) -> dict[str, Any]:
        if not self.account.has_production_access:
            raise BadRequestError("Your account is in the sandbox. This operation is not permitted.")
        self.suppress(email_address, reason)
        return {}

    def get_suppressed_destination(self, *, email_address: str) -> dict[str, Any]:
        return {"SuppressedDestination": _suppressed(self._suppressed_of(email_address))}

    def list_suppressed_destinations(
        self,
        *,
        reasons: list[str] | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        next_token: str = "",
        page_size: int = 1000,
    ) -> dict[str, Any]:
        found = [
            each
            for each in sorted(self.suppressed.values(), key=lambda one: one.address)
            if (not reasons or each.reason in reasons)
            and (start_date is None or each.updated >= start_date)
            and (end_date is None or each.updated <= end_date)
        ]
        start = int(next_token or 0)
        rest = {"NextToken": str(start + page_size)} if start + page_size < len(found) else {}
        words = ("EmailAddress", "Reason", "LastUpdateTime")
        page = [{name: _suppressed(each)[name] for name in words} for each in found[start : start + page_size]]
        return {"SuppressedDestinationSummaries": page, **rest}

    def delete_suppressed_destination(self, *, email_address: str) -> dict[str, Any]:
        del self.suppressed[self._suppressed_of(email_address).address]
        return {}

    def suppress(self, address: str, reason: str, **attributes: str) -> None:
        """Put an address on the account's list; SES keeps it in lower case."""
        self.suppressed[address.lower()] = SuppressedAddress(address.lower(), reason, self.now(), attributes)

    def list_tags_for_resource(self, *, resource_arn: str) -> dict[str, Any]:
        return {"Tags": list(self._tags_of(resource_arn))}

    def tag_resource(self, *, resource_arn: str, tags: list[dict[str, str]]) -> dict[str, Any]:
        kept = self._tags_of(resource_arn)
        names = {tag["Key"] for tag in tags}
        kept[:] = [tag for tag in kept if tag["Key"] not in names] + list(tags)
        return {}

    def untag_resource(self, *, resource_arn: str, tag_keys: list[str]) -> dict[str, Any]:
        kept = self._tags_of(resource_arn)
        kept[:] = [tag for tag in kept if tag["Key"] not in tag_keys]
        return {}

    def _tags_of(self, arn: str) -> list[dict[str, str]]:
        kind, _, name = arn.split(":", 5)[-1].partition("/")
        return self.identity_of(name).tags if kind == "identity" else self.set_of(name).tags

    def _suppressed_of(self, address: str) -> SuppressedAddress:
        found = self.suppressed.get(address.lower())
        if found is None:
            raise NotFoundError(f"Email address {address} does not exist on your suppression list.")
        return found


def _suppressed(found: SuppressedAddress) -> dict[str, Any]:
    return {
        "EmailAddress": found.address,
        "Reason": found.reason,
        "LastUpdateTime": found.updated,
        "Attributes": dict(found.attributes),
    }
