"""Creates the tenants and clients that a platform for development comes with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rampart.auth.v1.client_pb2 import Client

from console.directory import open_directory
from console.failure import CommandFailure
from console.http import HttpError
from console.target import TOKEN_PATH, AccessTokens, Target
from console.up.state import State
from meshkit.identity.scopes import Scopes
from meshkit.settings import TlsFiles

FILE = "clients.json"
SCOPES = "scopes"
"""Key of the scopes in the file, beside the clients."""

Credentials = dict[str, str]
"""tenant, client_id and client_secret."""


@dataclass(frozen=True)
class DemoPlan:
    """A client to be made."""

    tenant: str
    rate_limit: int


PLANS: Mapping[str, DemoPlan] = {
    "client": DemoPlan("acme", 50_000),
    "other_tenant": DemoPlan("globex", 50_000),
    "limited_client": DemoPlan("acme", 20),
}


async def ensure_clients(state: State, base_url: str, auth: str, tls: TlsFiles) -> dict[str, Credentials]:
    """Returns the credentials of the clients, those of the last start where the database still knows them.

    A platform with other scopes than at the last start gets new clients.
    """
    scopes = sorted(Scopes.declared_by_methods().declared)
    kept = state.read_json(FILE)
    if kept.get(SCOPES) != scopes:
        kept = {}
    known = {name: kept[name] for name in PLANS if name in kept and await _works(base_url, kept[name])}
    if known.keys() != PLANS.keys():
        async with open_directory(auth, tls) as directory:
            for name, plan in PLANS.items():
                if name in known:
                    continue
                await directory.create_tenant(plan.tenant)
                wanted = Client(display_name=f"development: {name}", scopes=scopes, rate_limit=plan.rate_limit)
                client = await directory.create_client(plan.tenant, wanted)
                known[name] = {
                    "tenant": client.tenant,
                    "client_id": client.client_id,
                    "client_secret": client.client_secret,
                }
                state.write_json(FILE, {**known, SCOPES: scopes})
    return {name: known[name] for name in PLANS}


async def _works(base_url: str, credentials: Credentials) -> bool:
    """Tells whether the edge gives a token for the credentials. Raises Failure if it cannot say."""
    target = Target(base_url, base_url + TOKEN_PATH, credentials["client_id"], credentials["client_secret"])
    source = AccessTokens(target)
    try:
        await source.token()
    except CommandFailure:
        return False
    except HttpError as error:
        raise CommandFailure(f"The gateway gives no token: {error}.") from error
    finally:
        source.close()
    return True
