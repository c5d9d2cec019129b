"""The gateway serves any product: no word of Rampart's business stands in it outside gateway/product."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GATEWAY = ROOT / "gateway"
PRODUCT = GATEWAY / "product"
VENDORED = GATEWAY / "describe" / "static" / "swagger-ui"
SUFFIXES = {".py", ".js", ".css", ".html", ".md", ".svg", ".lua"}

# Words that only the business has, wherever they stand; then words that others use too, in the forms that are ours.
WORDS = re.compile(
    r"""
    fraud | chargeback | merchant | decision | scenario | oauth | issue_?token | client_credentials
    | transaction_(?:id|amount) | device_fingerprint | confidence_score | \brisk | \bapprove\b | \bdecline\b
    | (?-i:\bRampart\b)
    """,
    re.VERBOSE | re.IGNORECASE,
)

EXCEPTIONS = {
    # The composition of Rampart's gateway says what it composes.
    ("gateway/app.py", "Rampart"),
    # The protos of the policies and of the error reasons are Rampart's, whatever is served.
    # Whoever reads an error's empty domain is told whose reason it is.
    ("gateway/describe/openapi/problem_schema.py", "Rampart"),
}


def found_in(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Yields the words in the name of a file and in its text, each with the file."""
    yield from ((name, match[0]) for match in WORDS.finditer(f"{name}\n{text}"))


def found() -> set[tuple[str, str]]:
    files = [path for path in GATEWAY.rglob("*") if path.suffix in SUFFIXES]
    own = [path for path in files if not path.is_relative_to(PRODUCT) and not path.is_relative_to(VENDORED)]
    assert len(own) > 100
    return {each for path in own for each in found_in(str(path.relative_to(ROOT)), path.read_text())}


def test_no_word_of_the_business_stands_outside_the_product() -> None:
    assert found() - EXCEPTIONS == set()


def test_every_exception_is_still_needed() -> None:
    assert EXCEPTIONS - found() == set()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gateway/app.py", 'CHECK = "/api/v1/fraud-check"'),
        ("gateway/app.py", "if ISSUE_TOKEN in plan.methods:"),
        ("gateway/app.py", '"/rampart.auth.v1.AuthService/IssueToken"'),
        ("gateway/oauth.py", ""),
        ("gateway/describe/static/site/site.css", ".decline { color: red }"),
        ("gateway/edge/site.py", 'FastAPI(title="Rampart")'),
    ],
)
def test_word_is_seen_wherever_it_stands(name: str, text: str) -> None:
    assert list(found_in(name, text))


@pytest.mark.parametrize("text", ['"RAMPART_HTTP_LISTEN"', "from rampart.mesh.v1 import policy_pb2", "# an asterisk"])
def test_prefix_of_settings_and_mesh_options_are_no_words_of_the_business(text: str) -> None:
    assert list(found_in("gateway/settings.py", text)) == []
