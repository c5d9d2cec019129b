"""Replaces the authority of a running platform in three steps, none of which costs a call.

Both are trusted; then the next one signs; then the former is trusted no more. Each step waits until every process goes
by it. What was broken off goes on where it was.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

from console.failure import CommandFailure
from console.http import HttpClient, HttpError
from console.up.certificates import Authority

TAKEN_SECONDS = 60.0
ASK_SECONDS = 2.0
PAUSE_SECONDS = 0.3
_DIGEST = re.compile(r'^certificate_digest\{file="(ca|certificate)"[^}]*\} (\S+)$', re.MULTILINE)
_CURRENT = re.compile(r"^channels_outdated 0(\.0)?$", re.MULTILINE)


class Rotation:
    """Takes the steps. `admin` are the admin ports of the processes that run, by the names of their certificates."""

    def __init__(
        self,
        authority: Authority,
        admin: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self._authority = authority
        self._admin = admin
        self._say = say

    async def run(self) -> None:
        """Returns when none but the new authority is trusted. Raises CommandFailure; run again, it goes on."""
        authority = self._authority
        if authority.next_waits or not authority.is_being_replaced:
            await self._step("trusting the former and the next authority", authority.trust_next)
        await self._step("issuing the certificates of the next authority", authority.sign_with_next)
        await self._step("trusting the next authority alone", authority.trust_signing)

    async def _step(self, what: str, act: Callable[[], None]) -> None:
        self._say(what)
        act()
        await asyncio.gather(*[self._taken(name, address) for name, address in self._admin.items()])

    async def _taken(self, name: str, address: str) -> None:
        from meshkit.identity.own import digest  # gRPC and its kin take long to load

        files = {"ca": self._authority.ca_file, "certificate": self._authority.certificate(name)}
        wanted = {(file, float(digest(path.read_bytes()))) for file, path in files.items()}
        client = HttpClient(f"http://{address}", connections=1, timeout=ASK_SECONDS)
        try:
            async with asyncio.timeout(TAKEN_SECONDS):
                await _until_it_goes_by(client, wanted)
        except TimeoutError:
            raise CommandFailure(
                f"{name} does not go by the new certificates after {TAKEN_SECONDS:g} s; its log says why. "
                "Nothing is refused meanwhile; run this again to go on."
            ) from None
        finally:
            client.close()


async def _until_it_goes_by(client: HttpClient, wanted: set[tuple[str, float]]) -> None:
    while True:
        if await _goes_by(client, wanted):
            return
        await asyncio.sleep(PAUSE_SECONDS)


async def _goes_by(client: HttpClient, wanted: set[tuple[str, float]]) -> bool:
    """Tells whether a process, with all its workers, has taken the files and uses no channel of former ones.

    One that does not answer has not.
    """
    try:
        text = (await client.request("GET", "/metrics")).body.decode()
    except HttpError:
        return False
    found = {(file, float(value)) for file, value in _DIGEST.findall(text)}
    return found == wanted and _CURRENT.search(text) is not None
