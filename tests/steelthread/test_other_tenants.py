"""Two tenants with one of everything: no operation of the document reads or changes what is the other's."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.steelthread.edge import NOWHERE
from tests.steelthread.furnished import SECONDS, Tenant, furnished, token_of
from tests.steelthread.platform import Platform, eventually

ROLES = ("owner", "admin", "analyst", "developer", "viewer")
SHARED = frozenset({"version", "sequence"})
"""Parameters that count from 1 in each tenant."""
IN_BODIES = {
    "createBacktest": ("scenario_id", "scenario_id"),
    "importModelVersion": ("upload_id", "upload_id"),
    "mergeCases": ("other_case_id", "case_id"),
    "splitCase": ("alert_ids", "alert_id"),
}
"""Operations whose bodies name what should be there, with the member, and what it names."""
OF_ONES_OWN = {
    "commitImport", "deleteUser", "getDeployment", "getRiskProfile", "importModelVersion", "listTransitions",
    "splitCase", "updateRiskProfile", "uploadModelPart",
}  # fmt: skip
"""Operations for which every name is one of the caller's own, whether there is something yet or not."""
MOVING = {"audit_events", "audit_heads", "audit_anchors", "requests", "case_jobs"}
"""Tables that change by themselves."""


@dataclass(frozen=True)
class Call:
    """An operation, ready to be sent."""

    operation: str
    method: str
    path: str
    body: bytes
    media_type: str


class Document:
    """The operations of the OpenAPI document that name something that is there already."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def calls(self, own: Mapping[str, str], other: Mapping[str, str]) -> Iterator[Call]:
        """Yields each operation with each mixture of names of which one at least is the other's."""
        for path, item in self._document["paths"].items():
            for method, operation in item.items():
                if method in ("get", "post", "put", "patch", "delete"):
                    yield from self._mixed(path, method, operation, own, other)

    def _mixed(
        self, path: str, method: str, operation: Mapping[str, Any], own: Mapping[str, str], other: Mapping[str, str]
    ) -> Iterator[Call]:
        media_type, body = self._example(operation)
        names = [name.rpartition(".")[2] for name in re.findall(r"\{([a-z_.]+)\}", path)]
        if "label-imports" in path:
            own, other = (each | {"import_id": each["label_import_id"]} for each in (dict(own), dict(other)))
        sides = [(own,) if name in SHARED else (own, other) for name in names]
        for chosen in itertools.product(*sides):
            filled = _filled(path, [side.get(name, NOWHERE) for name, side in zip(names, chosen, strict=True)])
            filled += self._query(operation)
            if other in chosen:
                yield Call(operation["operationId"], method.upper(), filled, _json(body), media_type)
            elif operation["operationId"] in IN_BODIES:
                member, name = IN_BODIES[operation["operationId"]]
                named = [other[name]] if member.endswith("s") else other[name]
                yield Call(operation["operationId"], method.upper(), filled, _json(body | {member: named}), media_type)

    def _example(self, operation: Mapping[str, Any]) -> tuple[str, Any]:
        for media_type, content in self._resolved(operation.get("requestBody", {})).get("content", {}).items():
            examples = content.get("examples") or {"": {"value": content.get("example")}}
            return media_type, next(iter(examples.values()))["value"]
        return "", None

    def _query(self, operation: Mapping[str, Any]) -> str:
        parameters = [self._resolved(each) for each in operation.get("parameters", ())]
        asked = {each["name"]: each["example"] for each in parameters if each["in"] == "query" and each.get("required")}
        return f"?{urlencode(asked)}" if asked else ""

    def _resolved(self, found: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in found:
            name: str = found["$ref"]
            found = self._document
            for part in name.removeprefix("#/").split("/"):
                found = found[part]
        return found


def _json(body: Any) -> bytes:
    return json.dumps(body).encode() if isinstance(body, dict) else str(body or "").encode()


def _filled(path: str, values: list[str]) -> str:
    return re.sub(r"\{[a-z_.]+\}", lambda _: values.pop(0), path)


async def stored(platform: Platform, tenant: Tenant) -> dict[str, str | None]:
    """Returns a digest of what each table has of a tenant."""
    digests: dict[str, str | None] = {}
    for service in platform.dev["dsn"]:
        tables = await platform.rows(
            service,
            "SELECT table_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name = 'tenant_id' AND table_name <> ALL($1)",
            list(MOVING),
        )
        for (table,) in tables:
            digest = f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t WHERE tenant_id::text = $1"
            digests[f"{service}.{table}"] = await platform.value(service, digest, tenant.tenant_id)
    return digests


@pytest.fixture(scope="module")
async def tenants(platform: Platform) -> tuple[Tenant, Tenant]:
    """Two tenants, of which the second has come to rest."""
    own, other = await furnished(platform), await furnished(platform)

    async def at_rest() -> object:
        busy = "SELECT count(*) FROM tasks WHERE tenant_id::text = $1 AND kind <> 'manual' AND finished_at IS NULL"
        feature = await other.edge.get(f"/api/v1/features/{other.has['name']}")
        return feature["state"] == "ready" and await platform.value("task", busy, other.tenant_id) == 0

    await eventually(at_rest, 3 * SECONDS)
    return own, other


async def test_no_role_reads_or_changes_what_another_tenant_has(
    platform: Platform, tenants: tuple[Tenant, Tenant]
) -> None:
    own, other = tenants
    document = Document((await own.edge.bare("GET", "/openapi.json")).json())
    calls, before = [*document.calls(own.has, other.has)], await stored(platform, other)
    secret = {other.canary.encode(), other.tenant_id.encode()}
    assert len(calls) > 100 and sum(digest is not None for digest in before.values()) > 25
    assert IN_BODIES.keys() | OF_ONES_OWN <= {call.operation for call in calls}
    for token in [await own.edge.token(), *[await token_of(platform, own.edge, role) for role in ROLES]]:
        for call in calls:
            kind = {"content-type": call.media_type.replace("*/*", "text/csv")} if call.body else {}
            answer = await own.edge.send(call.method, call.path, call.body, headers=kind, token=token)
            assert answer.status in (403, 404) or call.operation in OF_ONES_OWN, (call, answer)
            assert answer.status < 500 and not any(each in answer.body for each in secret), (call, answer)
    assert await stored(platform, other) == before


async def test_erased_tenant_leaves_its_audit_log_alone_and_its_neighbour_whole(
    platform: Platform, tenants: tuple[Tenant, Tenant]
) -> None:
    gone, stays = tenants
    before = await stored(platform, stays)
    assert {"fraud.decisions", "task.tasks", "cases.cases", "data.transactions"} <= left(await stored(platform, gone))
    name = await platform.value("auth", "SELECT name FROM tenants WHERE tenant_id::text = $1", gone.tenant_id)
    home = ("--home", str(platform.home))
    assert (await platform.rampart("tenant", "suspend", name, *home))[0] == 0

    async def erased() -> bool:
        return (await platform.rampart("tenant", "erase", name, "--confirm", name, *home))[0] == 0

    await eventually(erased, SECONDS)
    assert left(await stored(platform, gone)) == {"auth.revocations"}
    assert await stored(platform, stays) == before


def left(digests: Mapping[str, str | None]) -> set[str]:
    """Returns the tables that have rows."""
    return {table for table, digest in digests.items() if digest is not None}
