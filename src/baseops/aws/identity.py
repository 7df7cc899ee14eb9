"""Who is calling, and whether the declaration lists that account."""

from __future__ import annotations

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.site import Site
from baseops.errors import UsageError


def caller_account(clients: Clients) -> str:
    """The caller's account id. Calls sts:GetCallerIdentity, which needs no permission."""
    with translated("cannot find out which account the credentials belong to"):
        return str(clients.client("sts").get_caller_identity()["Account"])


def require_listed(clients: Clients, site: Site) -> str:
    """The caller's account id; `UsageError` when the declaration does not list it."""
    account = caller_account(clients)
    if account not in site.accounts:
        raise UsageError(
            f"account {account} is not listed in the declaration {site.name}",
            f"accounts: {', '.join(site.accounts)}",
            f'Use the credentials of a listed account, or add "{account}" under accounts.',
        )
    return account
