"""AWS CloudFormation in the sandbox, in place of moto's; the work is done in `sandbox.stacks`."""

from __future__ import annotations

from baseops.sandbox.stacks.operations.drift import DriftOperations
from baseops.sandbox.stacks.operations.events import EventOperations
from baseops.sandbox.stacks.operations.history import HistoryOperations
from baseops.sandbox.stacks.operations.stacks import StackOperations
from baseops.sandbox.stacks.operations.templates import TemplateOperations


class CloudFormationBackend(TemplateOperations, EventOperations, StackOperations, HistoryOperations, DriftOperations):
    """The stacks of one account and region."""


CloudFormationBackend.register()
