"""A process that stands by goes on when it gets the word, and ends when nobody can give it any more."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import pytest

from meshkit.standby import STANDBY, turn

SCRIPT = "import asyncio; from meshkit.standby import turn; print(asyncio.run(turn()), flush=True)"


async def start(**options: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, **options
    )


@pytest.mark.parametrize(("word", "said"), [(b"\n", b"True\n"), (b"", b"False\n")])
async def test_process_waits_for_the_word(word: bytes, said: bytes) -> None:
    process = await start(env={**os.environ, STANDBY: "1"})
    assert process.stdout is not None
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(process.stdout.readline(), 0.5)
    output, _ = await process.communicate(word)
    assert output == said


async def test_process_that_does_not_stand_by_goes_on_at_once() -> None:
    assert STANDBY not in os.environ
    assert await turn()
