"""When signing keys appear, sign, retire and go."""

from __future__ import annotations

from services.auth.domain.keys import KeySchedule, SigningKey

SCHEDULE = KeySchedule(publish_ahead=180, use=1000, token_life=100)


def key(kid: str, active_at: float) -> SigningKey:
    return SigningKey(kid, b"", {}, active_at - 180, active_at)


def test_first_key_signs_at_once() -> None:
    assert SCHEDULE.successor_due([], 50)
    assert SCHEDULE.activation([], 50) == 50


def test_successor_is_published_ahead_of_its_first_signature() -> None:
    keys = [key("a", 0)]
    assert not SCHEDULE.successor_due(keys, 819)
    assert SCHEDULE.successor_due(keys, 820)
    assert SCHEDULE.activation(keys, 820) == 1000


def test_waiting_successor_is_enough() -> None:
    assert not SCHEDULE.successor_due([key("a", 0), key("b", 1000)], 900)


def test_successor_signs_from_its_activation_on() -> None:
    keys = [key("a", 0), key("b", 1000)]
    assert [getattr(SCHEDULE.signing(keys, now), "kid", None) for now in (-1, 0, 999, 1000)] == [None, "a", "a", "b"]


def test_key_goes_when_the_last_token_that_it_signed_has_expired() -> None:
    keys = [key("b", 1000), key("a", 0)]
    assert SCHEDULE.gone(keys, 1100) == []
    assert [gone.kid for gone in SCHEDULE.gone(keys, 1100.1)] == ["a"]


def test_only_key_never_goes() -> None:
    assert SCHEDULE.gone([key("a", 0)], 1e9) == []


def test_published_keys_cover_every_valid_token_over_many_rotations() -> None:
    keys: list[SigningKey] = []
    signed: list[tuple[str, float]] = []
    for now in range(0, 6000, 10):
        if SCHEDULE.successor_due(keys, now):
            keys.append(key(f"k{now}", SCHEDULE.activation(keys, now)))
        gone = SCHEDULE.gone(keys, now)
        keys = [one for one in keys if one not in gone]
        signing = SCHEDULE.signing(keys, now)
        assert signing is not None
        signed.append((signing.kid, now))
        needed = {kid for kid, at in signed if at + SCHEDULE.token_life >= now}
        assert needed <= {one.kid for one in keys}
        assert len(keys) <= 3
    assert len({kid for kid, _ in signed}) == 6
