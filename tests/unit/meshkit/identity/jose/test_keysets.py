"""Keys are found by what a header says, and a set has as many that count as it needs."""

from __future__ import annotations

from typing import Any

import pytest

from meshkit.identity.jose.keysets import MAX_KEYS, MAX_NAMESAKES, KeySet, read_keys
from tests.support.signers import SIGNERS, signer

EC, P384, RSA = (signer(name).jwk for name in ("ES256", "ES384", "RS256"))
UNNAMED = {"kid_required": False}


def kids(found: Any) -> list[str | None]:
    return [key.kid for key in found]


def test_key_is_found_by_its_name() -> None:
    keys = read_keys([EC | {"kid": "a"}, P384 | {"kid": "b"}], SIGNERS)
    assert kids(keys.find("b", "ES384")) == ["b"]
    assert kids(keys.find("c", "ES384")) == []
    assert len(keys) == 2


def test_name_of_a_key_of_another_type_finds_no_other_key() -> None:
    keys = read_keys([EC | {"kid": "a"}, P384 | {"kid": "b"}], SIGNERS)
    assert not any("ES384" in key.algorithms for key in keys.find("a", "ES384"))


def test_without_a_name_the_only_key_of_the_algorithm_counts_and_two_are_none() -> None:
    keys = read_keys([EC, P384 | {"kid": "b"}], SIGNERS, **UNNAMED)
    assert [key.algorithms for key in keys.find(None, "ES256")] == [{"ES256"}]
    assert kids(keys.find(None, "ES384")) == ["b"]
    assert keys.find(None, "RS256") == ()
    assert read_keys([EC, EC | {"kid": "b"}], SIGNERS, **UNNAMED).find(None, "ES256") == ()


def test_key_without_a_name_is_left_out_where_names_are_required() -> None:
    assert len(read_keys([EC, RSA | {"kid": "b"}], SIGNERS)) == 1


def test_few_keys_of_one_name_count() -> None:
    keys = read_keys([EC | {"kid": "a"}] * 10 + [RSA | {"kid": "b"}], SIGNERS)
    assert len(keys.find("a", "ES256")) == MAX_NAMESAKES
    assert len(keys.find("b", "RS256")) == 1


@pytest.mark.parametrize("published", [[], [None], [{"kty": "oct", "k": "AAAA", "kid": "a"}]])
def test_set_without_a_usable_key_is_empty(published: list[Any]) -> None:
    assert not read_keys(published, SIGNERS)
    assert not KeySet().find("a", "ES256")


def test_no_more_keys_are_looked_at_than_an_issuer_may_have() -> None:
    published = [EC | {"kid": str(number)} for number in range(MAX_KEYS + 1)]
    keys = read_keys(published, SIGNERS)
    assert len(keys) == MAX_KEYS
    assert keys.find(str(MAX_KEYS - 1), "ES256")
    assert not keys.find(str(MAX_KEYS), "ES256")
