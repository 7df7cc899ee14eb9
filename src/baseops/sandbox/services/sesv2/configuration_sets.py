"""Operations on configuration sets, their event destinations, and pools of dedicated addresses."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import SandboxBackend
from baseops.sandbox.services.sesv2.errors import (
    AlreadyExistsError,
    BadRequestError,
    LimitExceededError,
    NotFoundError,
)
from baseops.sandbox.services.sesv2.publishing import Publisher
from baseops.sandbox.services.sesv2.state import ConfigurationSet
from baseops.semantics.mail.ses import MAX_DESTINATIONS

# Any throughout: members of AWS's shapes, whose types only the botocore model knows.
_ADDRESSES = ip_network("198.51.100.0/24")
"""Of documentation; no more than these are leased."""
_GROUPS = {
    "tracking_options": "TrackingOptions",
    "delivery_options": "DeliveryOptions",
    "reputation_options": "ReputationOptions",
    "sending_options": "SendingOptions",
    "suppression_options": "SuppressionOptions",
    "vdm_options": "VdmOptions",
    "archiving_options": "ArchivingOptions",
}
_PLACES = (
    "KinesisFirehoseDestination",
    "CloudWatchDestination",
    "SnsDestination",
    "EventBridgeDestination",
    "PinpointDestination",
)


class ConfigurationSetOperations(SandboxBackend):
    """CreateConfigurationSet and its kin."""

    service = "sesv2"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.sets: dict[str, ConfigurationSet] = {}
        self.pools: dict[str, str] = {}
        self.leased: dict[str, str] = {}

    def create_configuration_set(
        self, *, configuration_set_name: str, tags: list[dict[str, str]] | None = None, **options: Any
    ) -> dict[str, Any]:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", configuration_set_name):
            raise BadRequestError(f"Invalid configuration set name <{configuration_set_name}>.")
        if configuration_set_name in self.sets:
            raise AlreadyExistsError(f"Configuration set <{configuration_set_name}> already exists.")
        made = ConfigurationSet(configuration_set_name, tags=list(tags or ()))
        for name, group in _GROUPS.items():
            if options.get(name) is not None:
                self._put(made, group, options[name])
        self.sets[configuration_set_name] = made
        return {}

    def get_configuration_set(self, *, configuration_set_name: str) -> dict[str, Any]:
        found = self.set_of(configuration_set_name)
        return {
            "ConfigurationSetName": found.name,
            "DeliveryOptions": {"TlsPolicy": "OPTIONAL"},
            "ReputationOptions": {"ReputationMetricsEnabled": False},
            "SendingOptions": {"SendingEnabled": True},
            **found.options,
            "Tags": list(found.tags),
        }

    def list_configuration_sets(self, *, next_token: str = "", page_size: int = 1000) -> dict[str, Any]:
        names = sorted(self.sets)
        start = int(next_token or 0)
        rest = {"NextToken": str(start + page_size)} if start + page_size < len(names) else {}
        return {"ConfigurationSets": names[start : start + page_size], **rest}

    def delete_configuration_set(self, *, configuration_set_name: str) -> dict[str, Any]:
        del self.sets[self.set_of(configuration_set_name).name]
        return {}

    def put_configuration_set_delivery_options(self, *, configuration_set_name: str, **options: Any) -> dict[str, Any]:
        return self._replace(configuration_set_name, "DeliveryOptions", options)

    def put_configuration_set_reputation_options(
        self, *, configuration_set_name: str, **options: Any
    ) -> dict[str, Any]:
        return self._replace(configuration_set_name, "ReputationOptions", options)

    def put_configuration_set_sending_options(self, *, configuration_set_name: str, **options: Any) -> dict[str, Any]:
        return self._replace(configuration_set_name, "SendingOptions", options)

    def put_configuration_set_suppression_options(
        self, *, configuration_set_name: str, **options: Any
    ) -> dict[str, Any]:
        return self._replace(configuration_set_name, "SuppressionOptions", options)

    def put_configuration_set_tracking_options(self, *, configuration_set_name: str, **options: Any) -> dict[str, Any]:
        return self._replace(configuration_set_name, "TrackingOptions", options)

    def put_configuration_set_vdm_options(
        self, *, configuration_set_name: str, vdm_options: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        self._put(self.set_of(configuration_set_name), "VdmOptions", vdm_options or {})
        return {}

    def create_configuration_set_event_destination(
        self, *, configuration_set_name: str, event_destination_name: str, event_destination: dict[str, Any]
    ) -> dict[str, Any]:
        found = self.set_of(configuration_set_name)
        if event_destination_name in found.destinations:
            raise AlreadyExistsError(
                f"An event destination with name <{event_destination_name}> already exists in "
                f"<{configuration_set_name}>."
            )
        if len(found.destinations) >= MAX_DESTINATIONS:
            raise LimitExceededError(f"Too many event destinations in <{configuration_set_name}>.")
        found.destinations[event_destination_name] = self._checked(event_destination, configuration_set_name)
        return {}

    def update_configuration_set_event_destination(
        self, *, configuration_set_name: str, event_destination_name: str, event_destination: dict[str, Any]
    ) -> dict[str, Any]:
        found = self._with_destination(configuration_set_name, event_destination_name)
        found.destinations[event_destination_name] = self._checked(event_destination, configuration_set_name)
        return {}

    def delete_configuration_set_event_destination(
        self, *, configuration_set_name: str, event_destination_name: str
    ) -> dict[str, Any]:
        found = self._with_destination(configuration_set_name, event_destination_name)
        del found.destinations[event_destination_name]
        return {}

    def get_configuration_set_event_destinations(self, *, configuration_set_name: str) -> dict[str, Any]:
        destinations = self.set_of(configuration_set_name).destinations
        return {"EventDestinations": [{"Name": name, **each} for name, each in destinations.items()]}

    def create_dedicated_ip_pool(
        self, *, pool_name: str, tags: list[dict[str, str]] | None = None, scaling_mode: str = "STANDARD"
    ) -> dict[str, Any]:
        if pool_name in self.pools:
            raise AlreadyExistsError(f"Dedicated IP pool {pool_name} already exists.")
        self.pools[pool_name] = scaling_mode
        if scaling_mode == "MANAGED":
            self._lease(pool_name)
        return {}

    def get_dedicated_ip_pool(self, *, pool_name: str) -> dict[str, Any]:
        self._pool_of(pool_name)
        return {"DedicatedIpPool": {"PoolName": pool_name, "ScalingMode": self.pools[pool_name]}}

    def list_dedicated_ip_pools(self) -> dict[str, Any]:
        return {"DedicatedIpPools": sorted(self.pools)}

    def delete_dedicated_ip_pool(self, *, pool_name: str) -> dict[str, Any]:
        self._pool_of(pool_name)
        if self.pools[pool_name] == "STANDARD" and pool_name in self.leased.values():
            raise BadRequestError(f"Dedicated IP pool {pool_name} has dedicated IPs.")
        del self.pools[pool_name]
        self.leased = {ip: pool for ip, pool in self.leased.items() if pool != pool_name}
        return {}

    def get_dedicated_ips(self, *, pool_name: str = "", next_token: str = "", page_size: int = 100) -> dict[str, Any]:
        if pool_name:
            self._pool_of(pool_name)
        found = [(ip, pool) for ip, pool in self.leased.items() if pool_name in ("", pool)]
        start = int(next_token or 0)
        page = [
            {"Ip": ip, "WarmupStatus": "NOT_APPLICABLE", "WarmupPercentage": -1, "PoolName": pool}
            for ip, pool in found[start : start + page_size]
        ]
        rest = {"NextToken": str(start + page_size)} if start + page_size < len(found) else {}
        return {"DedicatedIps": page, **rest}

    def _lease(self, pool_name: str) -> None:
        """SES itself gives a managed pool addresses; a standard one has none before somebody leases some.

        https://docs.aws.amazon.com/ses/latest/dg/managed-dedicated-sending.html
        """
        first = len(self.leased) + 1
        for number in range(first, first + 2):
            self.leased[str(_ADDRESSES[number])] = pool_name

    def set_of(self, name: str) -> ConfigurationSet:
        """The configuration set of a name; SES's refusal where there is none."""
        found = self.sets.get(name)
        if found is None:
            raise NotFoundError(f"Configuration set <{name}> does not exist.")
        return found

    def _with_destination(self, name: str, destination: str) -> ConfigurationSet:
        found = self.set_of(name)
        if destination not in found.destinations:
            raise NotFoundError(f"Event destination <{destination}> does not exist in <{name}>.")
        return found

    def _replace(self, name: str, group: str, options: dict[str, Any]) -> dict[str, Any]:
        words = {_pascal(key): value for key, value in options.items() if value is not None}
        self._put(self.set_of(name), group, words)
        return {}

    def _put(self, found: ConfigurationSet, group: str, options: dict[str, Any]) -> None:
        pool = options.get("SendingPoolName")
        if pool:
            self._pool_of(pool)
        if options:
            found.options[group] = dict(options)
        else:
            found.options.pop(group, None)

    def _pool_of(self, name: str) -> None:
        if name not in self.pools:
            raise NotFoundError(f"Dedicated IP pool {name} does not exist.")

    def _checked(self, destination: dict[str, Any], set_name: str) -> dict[str, Any]:
        """An event destination that SES accepts: exactly one place, which exists, and a topic that it can publish to.

        SES tries the topic, and refuses it in these words: https://github.com/HicResearch/TREEHOOSE/issues/73
        """
        places = [name for name in _PLACES if destination.get(name)]
        if len(places) != 1:
            raise BadRequestError("Exactly one destination must be specified.")
        topic = destination.get("SnsDestination", {}).get("TopicArn")
        if topic and topic not in moto_backend("sns", topic.split(":")[4], topic.split(":")[3]).topics:
            raise BadRequestError(f"SNS topic <{topic}> not found.")
        if topic and not Publisher(self.account_id, self.region_name).try_topic(topic, set_name):
            raise BadRequestError(f"Could not publish message to SNS topic <{topic}>.")
        bus = destination.get("EventBridgeDestination", {}).get("EventBusArn", "event-bus/default")
        if not bus.endswith("event-bus/default"):
            raise BadRequestError("Only the default event bus is supported.")
        return {"Enabled": False, **destination}


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
