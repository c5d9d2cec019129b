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

from services.fraud.adapters.logs.names import STATE
from services.fraud.ports import LogProof

__all__ = ["GENERATION_BYTES", "GenerationChanged", "LogScripts", "Served", "proof_of"]

GENERATION_BYTES = 8
_TEXTS = {name: (Path(__file__).parent / f"{name}.lua").read_text() for name in ("append", "restore", "seal")}
_ADOPT = (Path(__file__).parent / "adopt.lua").read_text()


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
        generation, proof = await self._redis.eval(_ADOPT, 1, STATE, fresh)
        self.proof = proof_of(proof)
        if self._served is None or self._served.generation != generation:
            await self._fence(generation)
        digests = {
            name: (await self._redis.script_load(f"-- {generation.hex()}\n{text}")) for name, text in _TEXTS.items()
        }
        self._served = Served(generation, {name: _text(digest) for name, digest in digests.items()})
        return self._served


def proof_of(text: bytes) -> LogProof:
    """Reads "epoch evictions"."""
    epoch, lost = text.split()
    return LogProof(int(epoch), int(lost))


def _text(digest: bytes | str) -> str:
    return digest.decode() if isinstance(digest, bytes) else digest
