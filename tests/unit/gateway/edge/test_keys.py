from __future__ import annotations

import pytest

from gateway.edge.keys import NoKeys
from meshkit.context import CallContext
from meshkit.errors import MeshError


async def test_where_there_are_no_keys_every_key_is_refused() -> None:
    with pytest.raises(MeshError) as refused:
        await NoKeys().exchange("rpk_any", lambda: None, CallContext())
    assert refused.value.reason == "API_KEY_INVALID"
