"""IAM's policy evaluation as documented: may this principal do that, and which statement says so.

Pure: policies and the request's context come in, a decision with its reasons goes out. It asks AWS nothing, so
what it says is *evaluated*, never *exercised*.
"""

from __future__ import annotations

from baseops.semantics.policies.conditions import MalformedPolicyError
from baseops.semantics.policies.document import Policy, Request, Statement
from baseops.semantics.policies.evaluation import Decision, Policies, Reason, evaluate
from baseops.semantics.policies.key_access import Grant, evaluate_key
from baseops.semantics.policies.parameters import Reading, readings
from baseops.semantics.policies.patterns import Context, Doubt
from baseops.semantics.policies.principals import Named, Principal

__all__ = [
    "Context",
    "Decision",
    "Doubt",
    "Grant",
    "MalformedPolicyError",
    "Named",
    "Policies",
    "Policy",
    "Principal",
    "Reading",
    "Reason",
    "Request",
    "Statement",
    "evaluate",
    "evaluate_key",
    "readings",
]
