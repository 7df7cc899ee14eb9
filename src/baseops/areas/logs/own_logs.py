"""Log groups of what runs for a source: a remedy's output, what a carrier says. They are never subscribed."""

from __future__ import annotations

from troposphere import logs

from baseops.areas.logs import names
from baseops.cloudformation.builder import StackBuilder
from baseops.contract.refs import Refs

RETENTION_DAYS = 90


def add_own_group(stack: StackBuilder, title: str, entry: str, purpose: str, refs: Refs) -> logs.LogGroup:
    """An encrypted group; kept when the stack goes, since it holds what was done."""
    return stack.add(
        logs.LogGroup(
            title,
            LogGroupName=names.own_group(stack.site, entry, purpose),
            RetentionInDays=RETENTION_DAYS,
            KmsKeyId=stack.use(refs.key("logs")),
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
        )
    )
