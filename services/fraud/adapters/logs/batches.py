"""Appends the writes of a batch by one call of the script, in the generation of the logs that there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.fraud.adapters.logs.proofs import StreamProofs
from services.fraud.adapters.logs.scripts import GenerationChanged, LogScripts
from services.fraud.adapters.logs.sealing import LogSealing
from services.fraud.adapters.logs.writes import answer_of, instructions, reservations
from services.fraud.ports import LogAnswer, LogProof, LogWrite

__all__ = ["LogBatches", "Written", "told"]


class Written(NamedTuple):
    """What one call of the script has led to."""

    generation: bytes
    arrival_ms: int
    order: int
    answers: Sequence[LogAnswer]


class LogBatches:
    """Calls the script. Logs that have grown are noted for `sealing`."""

    def __init__(self, scripts: LogScripts, proofs: StreamProofs, sealing: LogSealing) -> None:
        self._scripts = scripts
        self._proofs = proofs
        self._sealing = sealing

    async def write(
        self,
        pending: bytes,
        batch: bytes,
        names: Sequence[bytes],
        writes: Sequence[LogWrite],
        reserved: bytes,
        checks: int = 0,
    ) -> Written:
        """Appends to logs of these names, and reserves under the name of a batch. Raises RedisError and OSError."""
        reserving = [batch, reservations(names, writes, reserved)]
        for _ in range(3):
            generation = await self._scripts.present()
            streams = [write.key.stream for write in writes]
            creates = self._proofs.held({write.key.stream for write in writes if write.is_read})
            # Before the logs are read: what was put into them by then is in what is read.
            swept = {stream: self._proofs.swept(stream) for stream in set(streams)}
            known = [_of_generation(write, generation) for write in writes]
            text = instructions(known, [stream in creates for stream in streams])
            try:
                arrival, proof, *found, order, shares = await self._scripts.run(
                    "append",
                    [pending, *names],
                    [*reserving, told(self._scripts.proof), text, b"%d" % checks, b"%d" % self._scripts.shares.turn],
                    only=generation,
                )
            except GenerationChanged:
                continue
            self._scripts.note(proof, shares)
            if shares:
                swept = {stream: min(until, self._proofs.swept(stream)) for stream, until in swept.items()}
            answers = [
                answer_of(write, each, swept[stream]) for write, each, stream in zip(known, found, streams, strict=True)
            ]
            self._sealing.note(names, known, found)
            return Written(generation, arrival, order, answers)
        raise OSError("the generation of the logs changes again and again")


def _of_generation(write: LogWrite, generation: bytes) -> LogWrite:
    """Returns a write without what was seen in another generation."""
    return write if write.seen is None or write.seen.generation == generation else write._replace(seen=None)


def told(proof: LogProof | None) -> bytes:
    """Packs what the scripts compare of a proof."""
    return b"%d %d" % proof[:2] if proof is not None else b""
