"""Refuses calls that IAM would refuse; the operator of an account may do everything. Off until `account.enforce()`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from baseops.sandbox import principals
from baseops.sandbox.access import context, state
from baseops.sandbox.access.actions import FREE
from baseops.sandbox.access.demand import ContextKeys, Demand, Place
from baseops.sandbox.access.demands import demands_of
from baseops.sandbox.access.identities import Identities, parsed, semantic, session_documents
from baseops.sandbox.access.refusals import refusal
from baseops.sandbox.access.resources import is_known
from baseops.sandbox.answer import Answer
from baseops.sandbox.call import Call
from baseops.sandbox.clock import TickingClock
from baseops.semantics.policies import (
    Context,
    Decision,
    Policies,
    Policy,
    Principal,
    Request,
    evaluate,
    evaluate_key,
)

_READS = ("Get", "List", "Simulate", "Generate")


@dataclass(frozen=True)
class Caller:
    """Who asks, with the policies that are in effect."""

    principal: Principal
    policies: Policies
    context: ContextKeys


class Enforcement:
    """An authoriser and a recorder for one account's dispatcher.

    `unknown` names the operations of services without a table of resources: they were authorised on `*`, or on
    the ARNs that their members hold.
    """

    def __init__(self, clock: TickingClock) -> None:
        self.unknown: set[str] = set()
        self._clock = clock
        self._identities = Identities()
        self._identities.begin()

    def authorise(self, call: Call) -> None:
        """Raise what AWS answers to a caller who may not make the call."""
        if call.principal.is_operator or (call.service, call.operation) in FREE or not call.is_modelled:
            return
        caller = self._caller(call.principal, call.access_key)
        surroundings = {**caller.context, **self._surroundings(call)}
        if not is_known(call.service):
            self.unknown.add(f"{call.service}:{call.operation}")
        place = Place(call.account_id, call.region)
        for demand in demands_of(call.service, call.operation, call.parameters, place):
            decision = self._decide(caller, demand, surroundings)
            if not decision.allowed:
                raise refusal(call, demand, decision)

    def record(self, call: Call, answer: Answer) -> None:
        """Note changes of IAM, which take effect later."""
        if call.service == "iam" and answer.is_success and not call.operation.startswith(_READS):
            self._identities.look(self._clock.now())

    def _caller(self, caller: principals.Principal, access_key: str) -> Caller:
        identity = self._identities.at(caller.role_arn or caller.arn, self._clock.now())
        policies = identity.policies() if identity else Policies()
        session = session_documents(access_key) if caller.role_arn else None
        if session is not None:
            policies = replace(policies, session=tuple(parsed(document, name) for name, document in session))
        tags = identity.tags if identity else {}
        return Caller(semantic(caller, identity), policies, context.principal_keys(caller.user_id, tags))

    def _surroundings(self, call: Call) -> ContextKeys:
        agent = str(call.request.headers.get("User-Agent", ""))
        return context.global_keys(self._clock.now(), call.region, call.source_address, agent)

    def _decide(self, caller: Caller, demand: Demand, surroundings: ContextKeys) -> Decision:
        keys = {**surroundings, **demand.context}
        if demand.is_key:
            keys["aws:ViaAWSService"] = "true"
        request = Request(caller.principal, demand.action, demand.resource, Context(keys), demand.owner)
        if demand.action == "sts:AssumeRole":
            return self._assumption(request, caller.policies)
        return decide(request, caller.policies)

    def _assumption(self, request: Request, policies: Policies) -> Decision:
        """A role's trust policy as it is in effect; a role that is too new is not there yet."""
        role = self._identities.at(request.resource, self._clock.now())
        trust = parsed(role.trust, "trust policy") if role else Policy("trust policy", ())
        return evaluate(request, replace(policies, resource=trust), needs_resource_policy=True)


def decide(request: Request, policies: Policies) -> Decision:
    """With the policy that the resource has of its own; keys decide by their policy and grants."""
    own = state.resource_policy(request.resource)
    if request.action.startswith("kms:") and own is not None:
        key: Any = state.key(state.at(request.resource), request.resource)
        return evaluate_key(request, policies, own, state.grants_of(key))
    return evaluate(request, replace(policies, resource=own))


def service_may(
    service: str, action: str, resource: str, *, source_arn: str, account_id: str, more: ContextKeys | None = None
) -> bool:
    """Whether a service (`sns.amazonaws.com`) may do something by the policy of the resource.

    For what AWS does on behalf of a resource of its own: `source_arn` in `account_id`; `more` is what it asks with.
    """
    keys = {"aws:SourceArn": source_arn, "aws:SourceAccount": account_id, "aws:SecureTransport": "true", **(more or {})}
    request = Request(Principal.parse(service), action, resource, Context(keys))
    return decide(request, Policies()).allowed
