"""An SSM document that freezes file systems while an instance's snapshots start, and thaws them whatever happens.

DLM runs it with `command` pre-script, post-script or dry-run; the rules for such documents:
https://docs.aws.amazon.com/ebs/latest/userguide/automate-app-consistent-backups.html#ssm-docs
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from troposphere import Tags, ssm

from baseops.cloudformation.resources import logical_id
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.backups.spec.plan import Scripts

DEAD_MAN_SECONDS = 60
"""After so long a frozen file system is thawed even when no post script comes: DLM starts snapshots in seconds."""


def document_name(site: Site, name: str, schedule: str) -> str:
    """By which DLM's role and its policy find the document."""
    return "-".join(filter(None, (site.prefix, name, schedule, "freeze")))


def freeze_document(site: Site, name: str, schedule: str, scripts: Scripts) -> ssm.Document:
    """The document for a schedule's mount points."""
    return ssm.Document(
        logical_id(name, schedule, "FreezeDocument") if schedule else logical_id(name, "FreezeDocument"),
        Name=document_name(site, name, schedule),
        DocumentType="Command",
        DocumentFormat="JSON",
        UpdateMethod="NewVersion",
        Content=_content(scripts.freeze or ()),
        # DLM's managed policy sends only documents with this tag; ours names the document, operators may not.
        Tags=Tags({"DLMScriptsAccess": "true"}),
    )


def _content(mounts: Sequence[str]) -> dict[str, Any]:
    return {
        "schemaVersion": "2.2",
        "description": "Freezes file systems for a snapshot: " + ", ".join(mounts),
        "parameters": {
            "executionId": {
                "type": "String",
                "default": "None",
                "description": "Given by Data Lifecycle Manager",
                "allowedPattern": "^(None|[a-fA-F0-9-]{36})$",
            },
            "command": {
                "type": "String",
                "default": "dry-run",
                "description": "Given by Data Lifecycle Manager",
                "allowedValues": ["pre-script", "post-script", "dry-run"],
            },
        },
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "freeze",
                "precondition": {"StringEquals": ["platformType", "Linux"]},
                "inputs": {"timeoutSeconds": "120", "runCommand": _script(mounts)},
            }
        ],
    }


def _script(mounts: Sequence[str]) -> list[str]:
    """Shell for the three commands: thawing happens in reverse order, and is no error where nothing is frozen."""
    ordered = " ".join(sorted(mounts))
    backwards = " ".join(sorted(mounts, reverse=True))
    return [
        "#!/bin/sh",
        "set -u",
        f'thaw() {{ for mount in {backwards}; do fsfreeze --unfreeze "$mount" 2>/dev/null || true; done; }}',
        "freeze() {",
        f'  for mount in {ordered}; do mountpoint -q "$mount" || {{ echo "$mount is not mounted" >&2; exit 1; }}; done',
        "  sync",
        # Started before the first freeze, so that nothing stays frozen when this script or DLM does not come back.
        f"  (trap '' HUP; sleep {DEAD_MAN_SECONDS}; thaw) >/dev/null 2>&1 &",
        f'  for mount in {ordered}; do fsfreeze --freeze "$mount" || {{ thaw; exit 1; }}; done',
        "}",
        'case "{{ command }}" in',
        "  pre-script) freeze ;;",
        "  post-script) thaw ;;",
        "  dry-run)",
        "    command -v fsfreeze >/dev/null || exit 1",
        f'    for mount in {ordered}; do mountpoint -q "$mount" || exit 1; done ;;',
        "esac",
    ]
