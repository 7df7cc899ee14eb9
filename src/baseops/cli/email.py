"""`baseops email …`: what mail needs outside the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from baseops.cli import options
from baseops.cli.output import next_step, print_json, say
from baseops.errors import UsageError

if TYPE_CHECKING:
    from baseops.areas.email.operate.dns import Listed


@click.group("email")
def command() -> None:
    """Show the DNS records that email needs.

    \b
    baseops email dns acme.example
    """


@command.command("dns")
@click.argument("identities", nargs=-1, metavar="[IDENTITY]...")
@options.declaration_option
@options.aws_options
@options.output_option("table", "json")
@click.option("--change-batch", is_flag=True, help="Print a change batch for Route 53 instead of a zone file.")
@click.option("--all", "everything", is_flag=True, help="Also the records that the stack makes itself.")
def dns(
    identities: tuple[str, ...],
    path: str,
    connection: options.Connection,
    output: str,
    change_batch: bool,
    everything: bool,
) -> None:
    """Print the DNS records that somebody has to add, as a zone file.

    They come from the declaration and from SES, so apply comes first; without it the DKIM records are missing and
    the exit code is 5. An existing record of the same name is never to be replaced without looking: two SPF or DMARC
    records at one name count as none.

    \b
    baseops email dns acme.example > acme.zone
    baseops email dns --change-batch acme.example > batch.json
    aws route53 change-resource-record-sets --hosted-zone-id Z… --change-batch file://batch.json
    """
    from baseops.areas.email.operate.dns import list_records

    declaration = options.load(path)
    section = declaration.sections.get("email")
    if section is None:
        raise UsageError("there are no identities", f"{path} has no `email`", "Declare one there first.")
    found = list_records(section, declaration.site, connection.session(declaration), identities)
    if output == "json":
        print_json("baseops/email-dns/1", {"identities": [_json(each) for each in found]})
    else:
        _print(found, everything=everything, change_batch=change_batch)
    incomplete = [each.identity for each in found if not each.is_complete]
    if incomplete:
        say(f"SES has given no DKIM tokens yet for {', '.join(incomplete)}: those records are missing")
        next_step(f"baseops apply -f {path}")
        click.get_current_context().exit(5)
    next_step(f"baseops status -f {path}  (SES looks for the records for up to 72 hours)")


def _print(found: list[Listed], *, everything: bool, change_batch: bool) -> None:
    import json

    from baseops.semantics.mail.dns import change_batch as batch_of
    from baseops.semantics.mail.dns import print_zone_file

    records = [one for each in found for one in each.records if everything or one not in each.made]
    if not change_batch:
        click.echo(print_zone_file(records), nl=False)
        return
    if len(found) != 1:
        what = f"a change batch is for one zone, and {len(found)} identities are meant"
        raise UsageError(what, "", "Name one: baseops email dns --change-batch acme.example")
    own = [one for one in records if one.zone == found[0].identity.lower()]
    for one in records:
        if one not in own:
            say(f"not in the batch, because {one.zone} has to add it: {one.type} {one.name}")
    click.echo(json.dumps(batch_of(own, f"Mail of {found[0].identity}"), indent=2))


def _json(listed: Listed) -> dict[str, Any]:
    return {
        "identity": listed.identity,
        "is_complete": listed.is_complete,
        "records": [
            {
                "name": record.name,
                "type": record.type,
                "values": list(record.values),
                "ttl": record.ttl,
                "purpose": record.purpose,
                "zone": record.zone,
                "made_by_stack": record in listed.made,
            }
            for record in listed.records
        ],
    }
