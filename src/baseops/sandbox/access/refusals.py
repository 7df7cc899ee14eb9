"""How AWS words a refusal: code by service, text by what decided. Decides nothing.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from baseops.sandbox.access.demand import Demand
from baseops.sandbox.call import Call
from baseops.sandbox.service import ServiceError
from baseops.semantics.policies import Decision, Reason

_KINDS = {
    "identity": "identity-based policy",
    "resource": "resource-based policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "service control": "service control policy",
    "resource control": "resource control policy",
}
_CODES: Mapping[str, str] = {
    "ec2": "UnauthorizedOperation",
    "s3": "AccessDenied",
    "s3control": "AccessDenied",
    "iam": "AccessDenied",
    "sts": "AccessDenied",
    "ses": "AccessDenied",
    "cloudformation": "AccessDenied",
    "cloudwatch": "AccessDenied",
    "autoscaling": "AccessDenied",
    "elbv2": "AccessDenied",
    "route53": "AccessDenied",
    "sns": "AuthorizationError",
}
_KEY_CODES: Mapping[str, str] = {"sns": "KMSAccessDenied", "sqs": "KmsAccessDenied"}

# What is said of a key where a service does not pass KMS's own words on.
_KEY_TEXTS: Mapping[str, str] = {
    "secretsmanager": "Access to KMS is not allowed",
    "ssm": "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you "
    "are not allowed to access.",
}


def refusal(call: Call, demand: Demand, decision: Decision) -> ServiceError:
    """What the caller is told."""
    code = _CODES.get(call.service, "AccessDeniedException")
    if demand.is_key:
        code = _KEY_CODES.get(call.service, code)
    text = sentence(call.principal.arn, demand, decision)
    if demand.is_key and call.service in _KEY_TEXTS:
        text = _KEY_TEXTS[call.service]
    if call.service == "ec2":
        text = f"You are not authorized to perform this operation. {text}. {_encoded(text)}"
    if call.service == "s3" and call.operation.startswith("Head"):
        return ServiceError("Forbidden", code="403", status=403)
    return ServiceError(text, code=code, status=403 if call.protocol not in {"json", "query"} else _status(call))


def _status(call: Call) -> int:
    return 403 if call.protocol == "query" else 400


def sentence(arn: str, demand: Demand, decision: Decision) -> str:
    """Who may not do what with which resource, and why."""
    shown = f'"{demand.resource}"' if demand.action.startswith("s3:") else demand.resource
    what = f"User: {arn} is not authorized to perform: {demand.action} on resource: {shown}"
    if demand.action == "sts:AssumeRole":
        return what
    reason = decision.reasons[0] if decision.reasons else Reason("missing", "identity")
    kind = _KINDS.get(reason.kind, f"{reason.kind} policy")
    if reason.effect == "deny":
        return f"{what} with an explicit deny in {'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    return f"{what} because no {kind} allows the {demand.action} action"


def _encoded(text: str) -> str:
    """EC2's message that only sts:DecodeAuthorizationMessage can read; here it holds nothing."""
    return f"Encoded authorization failure message: {hashlib.sha256(text.encode()).hexdigest()}"
