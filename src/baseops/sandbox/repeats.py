"""AWS's idempotency: a request that is repeated with the same client token gets the first one's answer.

To Amazon EC2 botocore sends a token with every request that takes one, and the same again when it retries.
https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html
"""

from __future__ import annotations

from typing import TypeAlias

from baseops.sandbox.answer import Answer
from baseops.sandbox.call import Call
from baseops.sandbox.service import ServiceError

Token: TypeAlias = tuple[str, str, str, str]
_TOKENS = {("ssm", "StartAutomationExecution"): ["ClientToken"]}
"""Of other services, those that who calls gives itself."""


class Repeats:
    """The answers that may be asked for again."""

    def __init__(self) -> None:
        self._known: dict[Token, tuple[dict[str, object], Answer]] = {}

    def find(self, call: Call) -> Answer | None:
        """The first answer; raises what AWS says of a token that comes with another request."""
        token = _token(call)
        if token not in self._known:
            return None
        parameters, answer = self._known[token]
        if parameters != call.parameters:
            raise ServiceError(
                "The client token is already used with other parameters", code="IdempotentParameterMismatch"
            )
        return answer

    def keep(self, call: Call, answer: Answer) -> None:
        """Remember a success."""
        token = _token(call)
        if token and answer.is_success:
            self._known[token] = (dict(call.parameters), answer)


def _token(call: Call) -> Token | None:
    named = _TOKENS.get((call.service, call.operation), [])
    if call.service == "ec2" and call.model.input_shape:
        members = call.model.input_shape.members.items()
        named = [name for name, each in members if each.metadata.get("idempotencyToken")]
    given = next((str(call.parameters[name]) for name in named if call.parameters.get(name)), "")
    return (call.account_id, call.region, call.operation, given) if given else None
