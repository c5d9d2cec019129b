"""Path templates (google/api/http.proto): the grammar, what matches, and which of several templates is meant."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.compile.plan import PathError, Plan, PlanError, compile_plan
from gateway.compile.plan.template import TemplateError, parse
from gateway.standalone.access import DefaultPolicy
from tests.support.descriptors import service_of

OPEN = DefaultPolicy(opens=True, deadline=1.0)

VALID = [
    "/v1", "/v1/messages", "/v1/messages/{message_id}", "/v1/messages/{message_id}/{sub.subfield}",
    "/v1/{name=messages/*}", "/v1/{name=shelves/*/books/*}", "/v1/{name=**}", "/v1/{name=shelves/**}", "/v1/*",
    "/v1/**", "/v1/*/b/*", "/v1/{var=*}", "/v1/messages:batch", "/v1/{name=messages/*}:cancel",
    "/v1/{name=**}:cancel", "/v1/**:cancel", "/v1/*:cancel", "/v1:cancel", "/{a}", "/{a=b}", "/{a.b.c}", "/{_a1}",
    "/a-b_c.d~e", "/a%20b", "/a!$&'()+,;@", "/v1/a=b", "/v1/a:b/c", "/.well-known/x", "/v1/{a}/{b}/{c}",
    "/v1/{a=x/*}/{b=y/*}", "/v1/{a=x/*/y}", "/", "/v1/**/tail", "/v1/{a=**}/tail", "/v1/{a=x/**/y}:verb",
    "/v1/{a}:x-y", "/v1/messages:a.b", "/v1/messages:%41", "/%2A", "/v1/{a=%2A}", "/1/2/3",
]  # fmt: skip
INVALID = [
    "", "v1", "v1/messages", "//", "//v1", "/v1/", "/v1//a", "/v1/{}", "/v1/{", "/v1/}", "/v1/{a", "/v1/a}",
    "/v1/{a}}", "/v1/{{a}}", "/v1/{a={b}}", "/v1/{a=x/{b}}", "/v1/{a}x", "/v1/x{a}", "/v1/{a}{b}", "/v1/{a.}",
    "/v1/{.a}", "/v1/{a..b}", "/v1/{1a}", "/v1/{a-b}", "/v1/{a b}", "/v1/{=x}", "/v1/{a=}", "/v1/{a=/x}",
    "/v1/{a=x/}", "/v1/{a=x//y}", "/v1/{a=x", "/v1/***", "/v1/**/**", "/v1/{a=**}/{b=**}", "/v1/**x", "/v1:",
    "/v1/{a}:", "/:verb", "/v1/a:b/", "/v1/{a}/{a}", "/v1/{a}/{a.b}", "/v1/a b", "/v1/a?b", "/v1/a#b", "/v1/%",
    "/v1/%4", "/v1/%zz", "/v1/%ff", "/v1/é", "/v1/a\\b", "/v1/a\"b", "/v1/<a>", "/v1/.", "/v1/..", "/v1/../a",
    "/v1/%2e", "/v1/%2E%2E/a", "/v1/a%00",
    "/v1/{a=x:y}", "/v1/{a=x/*:verb}",
]  # fmt: skip


@pytest.mark.parametrize("template", VALID)
def test_template_of_the_grammar_is_accepted(template: str) -> None:
    assert parse(template).text == template


@pytest.mark.parametrize("template", INVALID)
def test_template_outside_the_grammar_is_refused(template: str) -> None:
    with pytest.raises(TemplateError, match="path template"):
        parse(template)


# Each table: templates by name, then what paths are to find. Captures are in the order of the template's variables.
Table = tuple[Mapping[str, str], Mapping[str, "tuple[str, ...] | None"]]
LITERALS: Table = (
    {"root": "/", "v1": "/v1", "users": "/v1/users", "escaped": "/v1/a%20b", "colon": "/v1/x:y/z", "equals": "/v1/a=b"},
    {
        "/": ("root",),
        "/v1": ("v1",),
        "/v1/users": ("users",),
        "/v1/%75sers": ("users",),
        "/v1/us%65rs": ("users",),
        "/v1/a%20b": ("escaped",),
        "/v1/x:y/z": ("colon",),
        "/v1/x%3Ay/z": ("colon",),
        "/v1/a=b": ("equals",),
        "/v1/a%3Db": ("equals",),
        "": None,
        "v1": None,
        "/v1/": None,
        "/v1/Users": None,
        "/v1/users/": None,
        "//v1/users": None,
        "/v1//users": None,
        "/v1/users/7": None,
        "/v1/a+b": None,
        "/v1/./users": None,
        "/v1/../v1/users": None,
        "/v1/%2e%2e/v1/users": None,
        "/v1%2Fusers": None,
    },
)
WILDCARDS: Table = (
    {
        "star": "/star/*", "stars": "/stars/*/x/*", "deep": "/deep/**", "one": "/one/{a}", "two": "/two/{a=x/*}/y/{b}",
        "three": "/three/{a=x/**}", "middle": "/middle/{a=**}/end", "inner": "/inner/{a=x/**/y}/{b}",
        "fixed": "/{a=fixed/name}",
    },
    {
        "/star/1": ("star",),
        "/star/": None,
        "/star": None,
        "/star/1/2": None,
        "/star/*": ("star",),
        "/stars/1/x/2": ("stars",),
        "/stars/1/y/2": None,
        "/deep": ("deep",),
        "/deep/": ("deep",),
        "/deep/1": ("deep",),
        "/deep/1/2/3": ("deep",),
        "/one/1": ("one", "1"),
        "/one/*": ("one", "*"),
        "/one/a%2Fb": ("one", "a/b"),
        "/two/x/1/y/2": ("two", "x/1", "2"),
        "/two/x/1%2F2/y/3": ("two", "x/1%2F2", "3"),
        "/two/x//y/2": None,
        "/three/x": ("three", "x"),
        "/three/x/": ("three", "x/"),
        "/three/x/1": ("three", "x/1"),
        "/three/x/1/2": ("three", "x/1/2"),
        "/three/y": None,
        "/middle/end": ("middle", ""),
        "/middle/1/end": ("middle", "1"),
        "/middle/1/2/end": ("middle", "1/2"),
        "/middle/end/end": ("middle", "end"),
        "/middle/1/2": None,
        "/inner/x/y/1": ("inner", "x/y", "1"),
        "/inner/x/2/3/y/1": ("inner", "x/2/3/y", "1"),
        "/fixed/name": ("fixed", "fixed/name"),
        "/fixed/other": None,
    },
)  # fmt: skip
VERBS: Table = (
    {
        "users": "/users", "batch": "/users:batch", "user": "/users/{a}", "lock": "/users/{a}:lock",
        "unlock": "/users/{a}:un-lock", "deep": "/deep/{a=**}", "deep_verb": "/deep/{a=**}:verb",
        "only": "/only/{a}:verb", "two": "/two/{a}:x:y", "dotted": "/d:v1.2",
    },
    {
        "/users": ("users",),
        "/users:batch": ("batch",),
        "/users:b%61tch": ("batch",),
        "/users:other": None,
        "/users:": None,
        "/users/7": ("user", "7"),
        "/users/7:lock": ("lock", "7"),
        "/users/7:un-lock": ("unlock", "7"),
        "/users/7:LOCK": ("user", "7:LOCK"),
        "/users/7:other": ("user", "7:other"),
        "/users/7:": ("user", "7:"),
        "/users/a:b:lock": ("lock", "a:b"),
        "/users/a%3Alock": ("user", "a:lock"),
        "/users/:lock": ("user", ":lock"),
        "/users/7:lock/x": None,
        "/users/7:lock:": ("user", "7:lock:"),
        "/deep/a/b": ("deep", "a/b"),
        "/deep/a/b:verb": ("deep_verb", "a/b"),
        "/deep/a:verb/b": ("deep", "a:verb/b"),
        "/deep/a:x:verb": ("deep_verb", "a:x"),
        "/deep:verb": ("deep_verb", ""),
        "/only/1:verb": ("only", "1"),
        "/only/1": None,
        "/only/1:other": None,
        "/two/1:x:y": ("two", "1"),
        "/two/1:x": None,
        "/d:v1.2": ("dotted",),
    },
)  # fmt: skip
PRECEDENCE: Table = (
    {
        "me": "/users/me", "user": "/users/{a}", "any": "/users/**", "books": "/users/{a}/books",
        "me_films": "/users/me/films", "all": "/**", "shelf": "/{a=shelves/*}", "shelves": "/{a=shelves/**}",
        "file": "/files/{a=**}/raw", "files": "/files/{a=**}",
    },
    {
        "/users/me": ("me",),
        "/users/m%65": ("me",),
        "/users/you": ("user", "you"),
        "/users/me/films": ("me_films",),
        "/users/me/books": ("books", "me"),
        "/users/you/films": ("any",),
        "/users": ("any",),
        "/users/": ("any",),
        "/other": ("all",),
        "/": ("all",),
        "/shelves/1": ("shelf", "shelves/1"),
        "/shelves/1/2": ("shelves", "shelves/1/2"),
        "/shelves": ("shelves", "shelves"),
        "/files/a/raw": ("file", "a"),
        "/files/a/b": ("files", "a/b"),
        "/files/raw/x": ("files", "raw/x"),
        "/files/raw/raw": ("file", "raw"),
    },
)  # fmt: skip
TABLES = {"literals": LITERALS, "wildcards": WILDCARDS, "verbs": VERBS, "precedence": PRECEDENCE}
ROUTES = [(name, path) for name, (_, paths) in TABLES.items() for path in paths]


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    return {
        name: compile_plan(service_of({each: f'get: "{text}"' for each, text in templates.items()}), OPEN)
        for name, (templates, _) in TABLES.items()
    }


@pytest.mark.parametrize(("table", "path"), ROUTES, ids=[f"{name} {path}" for name, path in ROUTES])
def test_path_finds_its_template(plans: dict[str, Plan], table: str, path: str) -> None:
    found = plans[table].tries["GET"].match(path)
    outcome = None if found is None else (found[0].method.full_name.rpartition("/")[2], *found[1])
    assert outcome == TABLES[table][1][path]


@pytest.mark.parametrize("path", ["/users/%", "/users/%4", "/users/%zz", "/users/%FF", "/deep/%C3/x", "/users/7:%zz"])
def test_broken_escape_is_an_error_and_no_match(plans: dict[str, Plan], path: str) -> None:
    with pytest.raises(PathError):
        plans["verbs"].tries["GET"].match(path)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/v1/{a}", "/v1/{b}"),
        ("/v1/{a}", "/v1/*"),
        ("/v1/{a=x/*}", "/v1/x/{a}"),
        ("/v1/{a=**}", "/v1/**"),
        ("/v1/x", "/v1/%78"),
        ("/v1/{a=x}", "/v1/x"),
        ("/v1/{a}:verb", "/v1/{b=*}:verb"),
        ("/v1:%78", "/v1:x"),
        ("/v1/{a=**}/x", "/v1/**/x"),
    ],
)
def test_templates_of_the_same_paths_stop_the_start(first: str, second: str) -> None:
    rules = {"First": f'get: "{first}"', "Second": f'get: "{second}"'}
    with pytest.raises(PlanError) as raised:
        compile_plan(service_of(rules), OPEN)
    assert "Things.First" in str(raised.value)
    assert "Things.Second" in str(raised.value)


def test_the_same_path_may_have_several_methods() -> None:
    rules = {"First": 'get: "/v1/{a}"', "Second": 'put: "/v1/{b}"', "Third": 'custom { kind: "*" path: "/v1/{a}" }'}
    plan = compile_plan(service_of(rules), OPEN)
    assert sorted(plan.tries) == ["*", "GET", "PUT"]


def test_a_path_of_ten_thousand_segments_is_matched_or_not(plans: dict[str, Plan]) -> None:
    trie = plans["wildcards"].tries["GET"]
    assert trie.match("/middle" + "/a" * 10_000) is None
    assert trie.match("/middle" + "/a" * 10_000 + "/end") is not None
    assert trie.match("/deep" + "/" * 10_000) is not None
