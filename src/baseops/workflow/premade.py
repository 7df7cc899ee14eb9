"""Makes some of what a declaration names before it is applied, as if somebody had: log groups, identities, parameters.

For rehearsals only: it shows that apply takes over what exists. Ordinary API calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from baseops.contract.clients import Clients
from baseops.workflow.compile import Compiled


def _log_group(clients: Clients, region: str, properties: Mapping[str, Any]) -> str:
    clients.client("logs", region).create_log_group(logGroupName=properties["LogGroupName"])
    return str(properties["LogGroupName"])


def _identity(clients: Clients, region: str, properties: Mapping[str, Any]) -> str:
    clients.client("sesv2", region).create_email_identity(EmailIdentity=properties["EmailIdentity"])
    return str(properties["EmailIdentity"])


_MAKERS: Mapping[str, tuple[str, Callable[[Clients, str, Mapping[str, Any]], str]]] = {
    "AWS::Logs::LogGroup": ("LogGroupName", _log_group),
    "AWS::SES::EmailIdentity": ("EmailIdentity", _identity),
}


def premake(compiled: Compiled, clients: Clients) -> list[str]:
    """Make every resource of those types that a template names literally and would import; their physical ids."""
    made = []
    for template in compiled.templates:
        resources = template.body["Resources"]
        for resource in resources.values() if isinstance(resources, dict) else ():
            kept = isinstance(resource, dict) and str(resource.get("DeletionPolicy")).startswith("Retain")
            maker = _MAKERS.get(str(resource["Type"])) if isinstance(resource, dict) and kept else None
            properties = resource.get("Properties") if isinstance(resource, dict) else None
            if maker and isinstance(properties, dict) and isinstance(properties.get(maker[0]), str):
                made.append(maker[1](clients, template.region, properties))
    return made
