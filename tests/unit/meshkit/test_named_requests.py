"""Named requests on the store in memory; what the store itself must hold is in the integration tests of the ports."""

from __future__ import annotations

from uuid import UUID

import pytest

from meshkit.errors import Kind, MeshError
from meshkit.named_requests import IdempotentChanges, NamedRequest
from services.user.adapters.memory import MemoryUserRows, MemoryWriter
from services.user.ports import Changes

NAME = UUID("6d5b7f9e-3c1f-4b9a-9a56-0d2f1e4c8b7a")
FIRST = NamedRequest(NAME, "CreateUser", b"content")


class Effect:
    """A change that counts how often it is made."""

    def __init__(self, error: Exception | None = None) -> None:
        self.count = 0
        self.error = error

    async def __call__(self, _: Changes) -> bytes:
        self.count += 1
        if self.error is not None:
            raise self.error
        return b"answer %d" % self.count


@pytest.fixture
def changes() -> IdempotentChanges[Changes]:
    return IdempotentChanges(MemoryWriter(MemoryUserRows()))


async def test_request_without_a_name_is_carried_out_each_time(changes: IdempotentChanges[Changes]) -> None:
    effect = Effect()
    assert [await changes.run("ours", None, effect) for _ in range(2)] == [b"answer 1", b"answer 2"]


async def test_same_request_again_gets_the_first_answer(changes: IdempotentChanges[Changes]) -> None:
    effect = Effect()
    assert [await changes.run("ours", FIRST, effect) for _ in range(3)] == [b"answer 1"] * 3
    assert effect.count == 1


async def test_name_belongs_to_its_tenant(changes: IdempotentChanges[Changes]) -> None:
    effect = Effect()
    assert [await changes.run(tenant, FIRST, effect) for tenant in ("ours", "theirs")] == [b"answer 1", b"answer 2"]


@pytest.mark.parametrize(
    "other", [NamedRequest(NAME, "CreateUser", b"other"), NamedRequest(NAME, "UpdateUser", b"content")]
)
async def test_other_request_of_the_same_name_is_refused(
    changes: IdempotentChanges[Changes], other: NamedRequest
) -> None:
    effect = Effect()
    await changes.run("ours", FIRST, effect)
    with pytest.raises(MeshError) as caught:
        await changes.run("ours", other, effect)
    assert (caught.value.kind, caught.value.reason) == (Kind.ALREADY_EXISTS, "IDEMPOTENCY_CONFLICT")
    assert caught.value.metadata == {"request_id": str(NAME)}
    assert effect.count == 1


async def test_name_of_a_request_that_failed_can_be_used_again(changes: IdempotentChanges[Changes]) -> None:
    with pytest.raises(ZeroDivisionError):
        await changes.run("ours", FIRST, Effect(ZeroDivisionError()))
    assert await changes.run("ours", NamedRequest(NAME, "CreateUser", b"other"), Effect()) == b"answer 1"
