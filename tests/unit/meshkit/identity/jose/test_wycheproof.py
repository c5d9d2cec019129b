"""All cases of Project Wycheproof for JWS: no invalid one is accepted, and no valid one refused without a reason.

Of the invalid ones, libraries accept some that are refused here. PyJWT 2.15 accepts six: four with a key whose `use` or
`key_ops` are for encryption (353 to 356), and two (367, 370) that are written and authenticated as they should be, with
a shared secret, which is why they are refused here. joserfc 1.8 accepts these two.

The cases are not part of this repository: RAMPART_WYCHEPROOF names the folder with json_web_signature_test.json.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meshkit.identity.jose import base64url
from meshkit.identity.jose.algorithms import ALGORITHMS
from meshkit.identity.jose.compact import JwsError, JwsKind
from meshkit.identity.jose.keys import KeyRefusedError, read_key

ROOT = Path(__file__).parents[5]
FOLDER = Path(os.environ.get("RAMPART_WYCHEPROOF") or ROOT.parent / "shared/data/wycheproof")
FILE = FOLDER / "json_web_signature_test.json"
ANY = JwsKind(frozenset(ALGORITHMS), frozenset({"jwt"}), typ_required=False, kid_required=False)

SHARED_SECRET = "the algorithm has a shared secret"
OTHER_ALGORITHM = "the key is for PS256 by its own `alg`, and the token is signed with PS384"
NO_ALGORITHM = "the `alg` of the key is ES521, which is none: the algorithm of P-521 is ES512"
VALID_AND_REFUSED = dict.fromkeys((1, 348, 352, 357, 358, 359, 372, 373, 376, 377), SHARED_SECRET)
VALID_AND_REFUSED |= dict.fromkeys((346, 350), OTHER_ALGORITHM) | dict.fromkeys((347, 351), NO_ALGORITHM)
ACCEPTED_ELSEWHERE = (353, 354, 355, 356, 367, 370)
BADLY_WRITTEN = {360, 361, 362, 363, 364, 365, 366, 368, 369, 371, 372, 373, 374, 375}
"""Cases of base64url, all with shared secrets, that the decoder alone refuses. Two (372, 373) are said to be valid."""

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="RAMPART_WYCHEPROOF names no folder with the cases")


def cases() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Gives every key with every case that it is for."""
    for group in json.loads(FILE.read_text())["testGroups"]:
        for case in group["tests"]:
            yield group.get("public") or group["private"], case


def accepted(jwk: Any, token: Any) -> bool:
    try:
        key = read_key(jwk, ALGORITHMS)
        ANY.read(token if isinstance(token, str) else json.dumps(token)).verified([key])
    except (KeyRefusedError, JwsError):
        return False
    return True


def test_no_invalid_case_is_accepted_and_each_valid_one_refused_has_a_reason() -> None:
    verdicts = {case["tcId"]: (case["result"], accepted(jwk, case["jws"])) for jwk, case in cases()}
    assert len(verdicts) == 401
    assert [number for number, verdict in verdicts.items() if verdict == ("invalid", True)] == []
    assert {number for number, verdict in verdicts.items() if verdict == ("valid", False)} == set(VALID_AND_REFUSED)
    assert all(verdicts[number] == ("invalid", False) for number in ACCEPTED_ELSEWHERE)


def test_reasons_are_what_they_say() -> None:
    found = {case["tcId"]: (jwk, case["jws"]) for jwk, case in cases()}
    for number, reason in VALID_AND_REFUSED.items():
        jwk, token = found[number]
        if reason == SHARED_SECRET:
            assert jwk["kty"] == "oct"
        elif reason == OTHER_ALGORITHM:
            header = json.loads(base64url.decode(token.partition(".")[0].encode()))
            assert (jwk["alg"], header["alg"]) == ("PS256", "PS384")
            assert accepted({name: value for name, value in jwk.items() if name != "alg"}, token)
        else:
            assert jwk["alg"] == "ES521"
            assert accepted(jwk | {"alg": "ES512"}, token)


def test_decoder_alone_refuses_what_is_badly_written() -> None:
    of_base64 = {case["tcId"]: case["jws"] for _, case in cases() if 357 <= case["tcId"] <= 377}
    assert {number for number, token in of_base64.items() if not _decodes(token)} == BADLY_WRITTEN


def _decodes(token: str) -> bool:
    try:
        for segment in token.split("."):
            base64url.decode(segment.encode())
    except ValueError:
        return False
    return True
