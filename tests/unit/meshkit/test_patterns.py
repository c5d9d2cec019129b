"""Words for regular expressions, which people read where a machine reads the expression."""

from __future__ import annotations

import pytest
from rampart.fraud.v1 import fraud_service_pb2

from meshkit.errors import MeshError
from meshkit.patterns import in_words, refused_set
from meshkit.rpc.interceptors.validation import validate


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("^[A-Z]{3}$", "must be 3 capital letters"),
        (r"^[^\x00-\x1f\x7f]*$", "must not hold control characters"),
        (r"^[^\x00-\x1f\x7f/]*$", 'must not hold control characters or "/"'),
        ("^[^/]+$", 'must not hold "/" and must not be empty'),
        ("^[A-Za-z0-9._-]*$", 'must hold only letters, digits, ".", "_" or "-"'),
        ("^[ -~]*$", "must hold only printable ASCII characters"),
        (r"^\+[1-9][0-9]{3,14}$", 'must be "+", then 1 character from 1 to 9, then 3 to 14 digits'),
        ("^[a-z][a-z0-9_]{0,63}$", 'must be 1 small letter, then 0 to 63 small letters, digits or "_"'),
        ("^(https|s3)://[^ ]+$", 'must be "https" or "s3", then "://", then 1 or more characters other than " "'),
        (r"^[^a]+@$", 'must be 1 or more characters other than "a", then "@"'),
        (r"^a[^\x00-\x20\x7f@]$", 'must be "a", then 1 character other than control characters, " " or "@"'),
        ("^([a-z][a-z0-9]*)?$", "must be empty or 1 small letter, then any number of small letters or digits"),
        (
            r"^([a-z](\.[a-z])*)?$",
            'must be empty or 1 small letter, then any number of times (".", then 1 small letter)',
        ),
        (r"^[a-z]([.]x)?$", 'must be 1 small letter, then optionally (1 ".", then "x")'),
        ("^(a|b)$", 'must be "a" or "b"'),
        (r"^v\d+$", 'must be "v", then 1 or more digits'),
        (r"^ab\.c?\w{2,}$", 'must be "ab.", then 0 or 1 "c", then 2 or more letters, digits or "_"'),
    ],
)
def test_expression_is_told_in_words(pattern: str, words: str) -> None:
    assert in_words(pattern) == words


@pytest.mark.parametrize(
    "pattern",
    ["", "a", "^a", "a$", "^$", "^(a|[bc])$", "^(a(b|c)d)$", r"^\S+$", r"^a\$", r"^[\x01-\x05]$", "^a.b$", "^(a){2}$"],
)
def test_expression_without_words_is_told_by_none(pattern: str) -> None:
    assert in_words(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "refused"),
    [(r"^[^\x00]*$", (r"[\x00]", False)), ("^[^/]+$", ("[/]", True)), ("^[a]*$", None), ("^[^a]b$", None)],
)
def test_set_that_is_refused_is_known(pattern: str, refused: tuple[str, bool] | None) -> None:
    assert refused_set(pattern) == refused


def test_service_tells_what_a_value_must_be_and_shows_no_expression() -> None:
    request = fraud_service_pb2.CheckFraudRequest(user_id="a\x01", currency="usd", attributes={"A-": "x"})
    with pytest.raises(MeshError) as caught:
        validate(request)
    told = {each.field: each.message for each in caught.value.violations if each.reason == "string.pattern"}
    assert told["currency"] == "must be 3 capital letters"
    assert told["user_id"] == "must not hold control characters"
    assert not any("^" in words for words in told.values())
