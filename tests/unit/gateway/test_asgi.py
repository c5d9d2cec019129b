from __future__ import annotations

from typing import Any

import pytest

from gateway.asgi import Application
from meshkit.settings import Reader


async def no_message() -> dict[str, Any]:
    return {"type": "lifespan.startup"}


async def test_unusable_settings_fail_the_start_with_a_sentence() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await Application(Reader({}))({"type": "lifespan"}, no_message, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert "is not set" in sent[0]["message"]


async def test_server_without_the_lifespan_protocol_is_told_what_it_lacks() -> None:
    async def send(_: Any) -> None:
        pytest.fail("nothing can be said yet")

    with pytest.raises(RuntimeError, match="lifespan"):
        await Application(Reader({}))({"type": "http"}, no_message, send)
