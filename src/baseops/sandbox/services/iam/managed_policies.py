"""AWS's own managed policies, each known from the moment that somebody attaches it.

moto has them all but loads them at the start or not at all, which takes a second and 20 MB.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from baseops.sandbox.service import Members, extend

_PREFIX = "arn:aws:iam::aws:policy/"


def attach_role_policy(backend: Any, role_name: str, policy_arn: str) -> Members:
    """Answer AttachRolePolicy. `Any`: moto's backend, which carries no types of use here."""
    if policy_arn.startswith(_PREFIX) and policy_arn not in backend.managed_policies:
        _make_known(backend, policy_arn)
    backend.attach_role_policy(policy_arn, role_name)
    return {}


def _make_known(backend: Any, arn: str) -> None:
    from moto.iam.models import AWSManagedPolicy

    path, _, name = arn.removeprefix(_PREFIX).rpartition("/")
    data = _data(name)
    if data is not None and str(data.get("Path", "/")).strip("/") == path:
        backend.managed_policies[arn] = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, data)


@cache
def _data(name: str) -> dict[str, Any] | None:
    """What moto has on a policy; only this one is parsed, of 1,500."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data as text

    found = re.search(rf'^ "{re.escape(name)}":', text, re.MULTILINE)
    if found is None:
        return None
    data: dict[str, Any] = json.JSONDecoder().raw_decode(text, found.end())[0]
    return data


extend("iam", "AttachRolePolicy", attach_role_policy)
