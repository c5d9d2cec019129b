from __future__ import annotations

import pytest

from gateway.assembly import make_router
from gateway.compile.plan import compile_plan
from gateway.compile.router import Router
from tests.support.protos import with_methods

MESSAGES = "message Request { string id = 1; } message Reply {}"
METHODS = {
    "Get": 'get: "/v1/jobs/{id}"',
    "Delete": 'delete: "/v1/jobs/{id}"',
    "Cancel": 'post: "/v1/jobs/{id}:cancel"',
    "Find": 'get: "/v1/files/{id}"',
}


@pytest.fixture(scope="module")
def router() -> Router:
    return make_router(compile_plan(with_methods(METHODS, MESSAGES)))


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_verb_of_one_method_is_no_name_with_another(router: Router, method: str) -> None:
    assert router.match(method, "/v1/jobs/7:cancel") is None
    assert router.allowed("/v1/jobs/7:cancel") == ["POST"]
    assert [endpoint.binding.http_method for endpoint, _ in router.every("/v1/jobs/7:cancel")] == ["POST"]


@pytest.mark.parametrize(
    ("method", "path", "name", "captures"),
    [
        ("POST", "/v1/jobs/7:cancel", "Cancel", ("7",)),
        ("DELETE", "/v1/jobs/7:retry", "Delete", ("7:retry",)),
        ("GET", "/v1/files/7:cancel", "Find", ("7:cancel",)),
        ("GET", "/v1/jobs/7%3Acancel", "Get", ("7:cancel",)),
    ],
)
def test_colon_that_begins_no_verb_belongs_to_the_name(
    router: Router, method: str, path: str, name: str, captures: tuple[str, ...]
) -> None:
    found = router.match(method, path)
    assert found is not None
    assert (found[0].method.full_name.rpartition("/")[2], found[1]) == (name, captures)
