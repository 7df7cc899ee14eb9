"""AWS STS in the sandbox: who the caller is, and roles that must exist. Trust policies are for who authorises."""

from __future__ import annotations

from typing import Any

from moto.iam.models import iam_backends

from baseops.sandbox.principals import principal_of
from baseops.sandbox.service import Members, ServiceError, calling, extend, opened


# Any: moto's STS backend, which carries no types.
def get_caller_identity(_backend: Any) -> Members:
    """Who signs; the operator looks like an administrator."""
    principal = calling().principal
    return {"UserId": principal.user_id, "Account": principal.account_id, "Arn": principal.arn}


def assume_role(
    backend: Any,
    role_arn: str,
    role_session_name: str,
    duration_seconds: int = 3600,
    policy: str = "",
    external_id: str = "",
    policy_arns: list[dict[str, str]] | None = None,
    **_unused: Any,
) -> Members:
    """A session of a role that exists. moto would give one of any role.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    """
    account_id = role_arn.split(":")[4] if role_arn.count(":") >= 5 else ""
    if not any(role.arn == role_arn for role in iam_backends[account_id]["aws"].roles.values()):
        arn = calling().principal.arn
        refusal = f"User: {arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        raise ServiceError(refusal, code="AccessDenied", status=403)
    session = backend.assume_role(calling().region, role_session_name, role_arn, policy, duration_seconds, external_id)
    session.sandbox_since = opened().clock.now()
    session.sandbox_policy_arns = [each["arn"] for each in policy_arns or []]
    return {
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.session_token,
            "Expiration": session.expiration,
        },
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
    }


def get_access_key_info(_backend: Any, access_key_id: str) -> Members:
    """Whose key it is; also of keys that are not in use any more."""
    return {"Account": principal_of(access_key_id, calling().account_id).account_id}


extend("sts", "GetAccessKeyInfo", get_access_key_info)
extend("sts", "GetCallerIdentity", get_caller_identity)
extend("sts", "AssumeRole", assume_role)
