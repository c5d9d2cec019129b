from __future__ import annotations

import pytest

from gateway.compile.plan.template import DEEP, STAR, TemplateError, parse


@pytest.mark.parametrize(
    ("text", "segments", "verb", "variables"),
    [
        ("/v1/users", ("v1", "users"), "", []),
        ("/v1/users:batch", ("v1", "users"), "batch", []),
        ("/v1/*", ("v1", STAR), "", []),
        ("/v1/**", ("v1", DEEP), "", []),
        ("/v1/{id}", ("v1", STAR), "", [("id", 1, 2, False)]),
        ("/v1/{user.id}:act", ("v1", STAR), "act", [("user.id", 1, 2, False)]),
        ("/v1/{name=shelves/*}/books/{book}", ("v1", "shelves", STAR, "books", STAR), "",
         [("name", 1, 3, True), ("book", 4, 5, False)]),
        ("/v1/{name=shelves/**}", ("v1", "shelves", DEEP), "", [("name", 1, None, True)]),
        ("/v1/{name=*}", ("v1", STAR), "", [("name", 1, 2, False)]),
        ("/v1/{name=fixed}", ("v1", "fixed"), "", [("name", 1, 2, False)]),
        ("/.well-known/jwks.json", (".well-known", "jwks.json"), "", []),
        ("/a%20b", ("a b",), "", []),
        ("/a%2A", ("a*",), "", []),
        ("/", ("",), "", []),
        ("/v1/a=b/c:d/e", ("v1", "a=b", "c:d", "e"), "", []),
        ("/v1/a:b:c", ("v1", "a:b"), "c", []),
        ("/v1/{id}:b:c", ("v1", STAR), "b:c", [("id", 1, 2, False)]),
        ("/v1/**/x", ("v1", DEEP, "x"), "", []),
        ("/v1/{a=x/**/y}/{b}:z", ("v1", "x", DEEP, "y", STAR), "z", [("a", 1, -1, True), ("b", -1, None, False)]),
    ],
)  # fmt: skip
def test_template_is_parsed_by_the_grammar(
    text: str, segments: tuple[str, ...], verb: str, variables: list[tuple[str, int, int | None, bool]]
) -> None:
    template = parse(text)
    assert (template.segments, template.verb) == (segments, verb)
    assert [(v.name, v.start, v.end, v.multi) for v in template.variables] == variables


@pytest.mark.parametrize(
    "text",
    [
        "", "/:a", "v1", "//", "/v1/", "/v1//a", "/v1/{", "/v1/{}", "/v1/{id", "/v1/id}", "/v1/{a={b}}", "/v1/{a.}",
        "/v1/{1a}", "/v1/**/x/**", "/v1/{a=**}/{b=**}", "/v1/a*", "/v1/***", "/v1:", "/v1/{id}x", "/v1/..", "/v1/%2e/x",
        "/v1/%00", "/v1/{id=}", "/v1/{a}/{a}", "/v1/{a}/{a.b}", "/v1/a b", "/v1/%zz", "/v1/a?b=c",
    ],
)  # fmt: skip
def test_what_breaks_the_grammar_is_refused_with_the_template_named(text: str) -> None:
    with pytest.raises(TemplateError) as raised:
        parse(text)
    assert repr(text) in str(raised.value)
