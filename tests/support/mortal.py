"""`python -m tests.support.mortal`: the user service, whose change publisher dies at SIGUSR1 and hangs at SIGUSR2."""

from __future__ import annotations

import asyncio
import signal
import sys

from meshkit.host import Host, run
from meshkit.settings import Reader
from meshkit.storage.changes import ChangePublisher
from services.user import app


class MortalPublisher(ChangePublisher):
    """Publishes until it is told to fail."""

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        die, hang = asyncio.Event(), asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, die.set)
        loop.add_signal_handler(signal.SIGUSR2, hang.set)
        publishing = asyncio.create_task(super().run())
        dying, hanging = asyncio.create_task(die.wait()), asyncio.create_task(hang.wait())
        try:
            await asyncio.wait({publishing, dying, hanging}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            publishing.cancel()
        while hang.is_set():
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue
        raise RuntimeError("planted, with a secret of acme")


async def serve(host: Host, reader: Reader) -> None:
    app.ChangePublisher = MortalPublisher  # type: ignore[attr-defined]
    await app.serve(host, reader)


if __name__ == "__main__":
    sys.exit(run("user", serve))
