from __future__ import annotations

import pytest

from gateway.compile.plan.template import parse
from gateway.compile.plan.trie import AmbiguousError, PathError, Trie

TEMPLATES = [
    "/v1/users",
    "/v1/users/me",
    "/v1/users/{id}",
    "/v1/users/{id}:block",
    "/v1/users/{id}/orders/{order}",
    "/v1/users:batch",
    "/v1/{name=shelves/*/books/*}",
    "/v1/files/{path=**}",
    "/v1/files/{path=**}:stat",
    "/v1/a/*/c",
    "/v1/a/b/{rest=**}",
    "/v1/colour%3Ared",
]


@pytest.fixture(scope="module")
def trie() -> Trie[str]:
    trie: Trie[str] = Trie()
    for text in TEMPLATES:
        trie.add(parse(text), text)
    return trie


@pytest.mark.parametrize(
    ("path", "template", "captures"),
    [
        ("/v1/users", "/v1/users", ()),
        ("/v1/users/me", "/v1/users/me", ()),
        ("/v1/users/7", "/v1/users/{id}", ("7",)),
        ("/v1/%75sers/7", "/v1/users/{id}", ("7",)),
        ("/v1/users/a%2Fb", "/v1/users/{id}", ("a/b",)),
        ("/v1/users/a%20b%C3%A9", "/v1/users/{id}", ("a bé",)),
        ("/v1/users/a+b", "/v1/users/{id}", ("a+b",)),
        ("/v1/users/a:b", "/v1/users/{id}", ("a:b",)),
        ("/v1/users/a:block", "/v1/users/{id}:block", ("a",)),
        ("/v1/users/a%3Ablock", "/v1/users/{id}", ("a:block",)),
        ("/v1/users/a:b:block", "/v1/users/{id}:block", ("a:b",)),
        ("/v1/users/1/orders/2", "/v1/users/{id}/orders/{order}", ("1", "2")),
        ("/v1/users:batch", "/v1/users:batch", ()),
        ("/v1/shelves/1/books/2", "/v1/{name=shelves/*/books/*}", ("shelves/1/books/2",)),
        ("/v1/shelves/1%2F2/books/a%20b", "/v1/{name=shelves/*/books/*}", ("shelves/1%2F2/books/a b",)),
        ("/v1/files", "/v1/files/{path=**}", ("",)),
        ("/v1/files/a/b%2fc", "/v1/files/{path=**}", ("a/b%2fc",)),
        ("/v1/files/a:stat", "/v1/files/{path=**}:stat", ("a",)),
        ("/v1/a/b/c", "/v1/a/b/{rest=**}", ("c",)),
        ("/v1/a/x/c", "/v1/a/*/c", ()),
        ("/v1/colour:red", "/v1/colour%3Ared", ()),
    ],
)
def test_path_finds_its_template(trie: Trie[str], path: str, template: str, captures: tuple[str, ...]) -> None:
    assert trie.match(path) == (template, captures)


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "v1/users", "/v1", "/v1/users/", "/v1/users/7/", "/v1//users", "/v1/users/7/orders", "/V1/users",
        "/v1/users/..", "/v1/users/%2e%2e", "/v1/users/.", "/v1/files/../secret", "/v1/files/%2E%2E/secret",
        "/v1/shelves//books/2", "/v1/a/x/d",
    ],
)  # fmt: skip
def test_path_without_template_is_not_found(trie: Trie[str], path: str) -> None:
    assert trie.match(path) is None


@pytest.mark.parametrize("path", ["/v1/users/%", "/v1/users/%zz", "/v1/users/%ff", "/v1/users/%c3%28", "/v1/%"])
def test_broken_encoding_is_an_error_and_not_a_guess(trie: Trie[str], path: str) -> None:
    with pytest.raises(PathError):
        trie.match(path)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/v1/{a}", "/v1/{b}"),
        ("/v1/{a}", "/v1/*"),
        ("/v1/{a=x/*}", "/v1/x/{b}"),
        ("/v1/{a=**}", "/v1/**"),
        ("/v1/x:go", "/v1/x:go"),
    ],
)
def test_two_templates_for_the_same_paths_are_ambiguous(first: str, second: str) -> None:
    trie: Trie[str] = Trie()
    trie.add(parse(first), first)
    with pytest.raises(AmbiguousError) as raised:
        trie.add(parse(second), second)
    assert raised.value.other == first
