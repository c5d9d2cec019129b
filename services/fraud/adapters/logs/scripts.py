"""Runs the scripts of the entity logs, under the generation that the server has.

A server that was restarted knows no script of before: a process that meets it, or that meets logs of another
generation, learns the generation anew and begins one if it has to. Nothing of an older generation is ever read.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from services.fraud.adapters.logs.known_shares import NO_SHARES, KnownShares, shares_of
from services.fraud.adapters.logs.names import STATE
from services.fraud.ports import LogProof

__all__ = ["GENERATION_BYTES", "GenerationChanged", "LogScripts", "Served"]

GENERATION_BYTES = 8


def _text(name: str) -> str:
    return (Path(__file__).parent / f"{name}.lua").read_text()


_TEXTS = {name: _text("shares") + _text(name) for name in ("append", "mark", "prove", "restore", "sample")}
_TEXTS["seal"] = _text("seal")
_ADOPT = _text("adopt")


class Served(NamedTuple):
    """A generation of the logs, with the scripts that serve it."""

    generation: bytes
    digests: dict[str, str]
    """Script → its SHA-1, by which the server knows it."""


class GenerationChanged(Exception):
    """The logs are of another generation by now."""


class LogScripts:
    """The scripts of one Redis. `fence` tells the store of a generation before it is used.

    Every method raises RedisError and OSError, and what the fence raises.
    """

    def __init__(self, redis: Redis, fence: Callable[[bytes], Awaitable[None]]) -> None:
        self._redis = redis
        self._fence = fence
        self._served: Served | None = None
        self.proof = LogProof(0, 0)
        """The last that was seen."""
        self.shares: KnownShares = NO_SHARES
        """The last that were told, of which every script says when they have changed."""

    async def run(
        self, script: str, keys: Sequence[bytes | str], arguments: Sequence[bytes | str], *, only: bytes = b""
    ) -> Any:
        """Runs a script whose first key is the state and whose first argument the generation, both put in here.

        Raises GenerationChanged if it would have to run in another generation than the only one that is told.
        """
        for _ in range(3):
            served = self._served or await self.adopt()
            if only and served.generation != only:
                raise GenerationChanged
            try:
                answer = await self._redis.evalsha(
                    served.digests[script], len(keys) + 1, STATE, *keys, served.generation, *arguments
                )
            except NoScriptError:
                self._served = None
                continue
            if answer != b"cold":
                return answer
            self._served = None
        raise OSError("the generation of the logs changes again and again")

    async def present(self) -> bytes:
        """Returns the generation that is met now."""
        return (self._served or await self.adopt()).generation

    @property
    def generation(self) -> bytes:
        """The generation that was met last; empty before."""
        return self._served.generation if self._served else b""

    async def adopt(self) -> Served:
        """Learns the generation of the server, and begins one if it has none of this run."""
        fresh = secrets.token_bytes(GENERATION_BYTES)
        generation, proof, shares = await self._redis.eval(_ADOPT, 1, STATE, fresh)
        self.note(proof, shares)
        if self._served is not None and self._served.generation == generation:
            return self._served
        await self._fence(generation)
        digests = {
            name: (await self._redis.script_load(f"-- {generation.hex()}\n{text}")) for name, text in _TEXTS.items()
        }
        self._served = Served(generation, {name: _decoded(digest) for name, digest in digests.items()})
        return self._served

    def note(self, proof: bytes, shares: bytes) -> None:
        """Takes what a script says of the proof and of shares; empty is what was known."""
        if shares:
            self.shares = shares_of(shares)
            self.proof = self.proof._replace(turn=self.shares.turn)
        if proof:
            epoch, lost = proof.split()
            self.proof = LogProof(int(epoch), int(lost), self.shares.turn)


def _decoded(digest: bytes | str) -> str:
    return digest.decode() if isinstance(digest, bytes) else digest
