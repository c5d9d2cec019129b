"""Tenants that have one of everything that the API knows."""

from __future__ import annotations

import json
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meshkit.identity.jose import base64url
from meshkit.identity.roles import Roles
from meshkit.identity.scopes import Scopes
from tests.steelthread.edge import Edge
from tests.steelthread.platform import Platform, eventually
from tests.steelthread.test_hostile_callers import claims_of, real_issuer

__all__ = ["SECONDS", "Tenant", "furnished", "token_of"]

API = "/api/v1"
SECONDS = 20.0
NAMED = ("name", "scenario_id", "rule_id", "event_type", "schedule_id", "user_id")
"""Parameters that the tenant itself fills: two tenants can have the same."""


@dataclass(frozen=True)
class Tenant:
    """A tenant that has one of everything."""

    edge: Edge
    tenant_id: str
    canary: str
    """Stands in what only its own people may read."""
    has: Mapping[str, str]
    """What it has, by the parameters that name it."""


async def token_of(platform: Platform, edge: Edge, role: str) -> str:
    """Returns a token of a member with a role, who has just signed in, in the tenant of a client."""
    good = await edge.token()
    head = json.loads(base64url.decode(good.partition(".")[0].encode()))
    issuer = await real_issuer(platform, head["kid"])
    scope = " ".join(sorted(Roles.declared().grants[role]))
    person = {"roles": [role], "scope": scope, "sub": str(uuid.uuid4()), "auth_time": int(time.time())}
    return issuer.sign(issuer.header(), claims_of(good) | person)


async def furnished(platform: Platform) -> Tenant:
    """Makes a tenant with one of everything."""
    word = f"t{secrets.token_hex(6)}"
    canary = f"canary {word[::-1]}"
    edge = await platform.new_edge(scopes=sorted(Scopes.declared_by_methods().declared))
    await _rules(edge, word, canary)
    decision = await edge.check(transaction_amount=900.0, user_id=word)
    has = dict.fromkeys(NAMED, word) | {"decision_id": decision["decision_id"], "version": "1"}
    has |= await _identities(edge, await token_of(platform, edge, "owner"), word, canary)
    has |= await _work(edge, word, canary, decision["transaction_id"])
    case: dict[str, Any] = {}

    async def there() -> bool:
        case.update(next(iter((await edge.get(f"{API}/cases"))["cases"]), {}))
        return bool(case)

    await eventually(there, SECONDS)
    alert = (await edge.get(f"{API}/alerts"))["alerts"][0]
    await edge.post(f"{API}/cases/{case['case_id']}/notes", {"words": canary})
    has |= {"case_id": case["case_id"], "alert_id": alert["alert_id"]}
    job = await edge.post(f"{API}/case-jobs", {"action": "assign", "entity": word, "assignee": canary})
    head = await edge.get(f"{API}/audit-head")
    has |= {"job_id": job["job_id"], "sequence": head["sequence"]}
    return Tenant(edge, claims_of(await edge.token())["tenant_id"], canary, has)


async def _rules(edge: Edge, word: str, canary: str) -> None:
    """Makes what decides, with a rule that asks for alerts."""
    fields = [{"name": "user_id", "type": "string", "required": True, "key": True}]
    await edge.post(f"{API}/event-types", {"name": word, "fields": fields, "description": canary})
    counted = {"event_type": "payment", "key": ["user_id"], "aggregate": "count", "window": "60s"}
    await edge.post(f"{API}/features", counted | {"name": word, "description": canary})
    rule = {
        "rule_id": word, "code": "MUCH", "words": canary, "expression": "amount > 500", "contribution": 0.5,
        "outcome": "decline", "alert": True,
    }  # fmt: skip
    draft = {"event_type": "payment", "rules": [rule], "description": canary}
    await edge.post(f"{API}/scenarios", {"scenario_id": word, "draft": draft})
    await edge.post(f"{API}/scenarios/{word}/versions", {"note": canary})
    await edge.post(f"{API}/scenarios/{word}/versions/1:deploy", {"target": "live"})

    async def decides() -> bool:
        return "MUCH" in (await edge.check(transaction_amount=900.0, user_id=word))["risk_factors"]

    await eventually(decides, SECONDS)


async def _identities(edge: Edge, owner: str, word: str, canary: str) -> dict[str, str]:
    invitation = {"email": f"{word}@x.example", "display_name": canary, "roles": ["viewer"]}
    member = await edge.send("POST", f"{API}/members", json.dumps(invitation).encode(), token=owner)
    scopes = {"scopes": ["decision:read"], "display_name": canary}
    client, key = await edge.post(f"{API}/clients", scopes), await edge.post(f"{API}/api-keys", scopes)
    await edge.post(f"{API}/users", {"user_id": word, "display_name": canary})
    return {
        "member_id": member.json()["member"]["member_id"],
        "client_id": client["client"]["client_id"],
        "key_id": key["api_key"]["key_id"],
    }


async def _work(edge: Edge, word: str, canary: str, transaction_id: str) -> dict[str, str]:
    label = await edge.post(f"{API}/labels", {"transaction_id": transaction_id, "label": "fraud", "reason": canary})
    labels = await _uploaded(edge, "label-imports", f"transaction_id,label\n{transaction_id},fraud\n")
    import_id, upload_id = str(uuid.uuid4()), str(uuid.uuid4())
    await edge.post(f"{API}/lists", {"name": word, "kind": "custom", "field": "user_id", "description": canary})
    await _uploaded(edge, f"lists/{word}/entries:import?import_id={import_id}", canary)
    await edge.post(f"{API}/models", {"name": word, "event_type": "payment", "description": canary})
    await _uploaded(edge, f"models/{word}/uploads/{upload_id}:part?part=1", canary)
    period = {"since": "2026-10-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"}
    report = await edge.post(f"{API}/quality-reports", period)
    test = await edge.post(f"{API}/backtests", period | {"scenario_id": word, "version": 1})
    task = await edge.post(f"{API}/tasks", {"title": canary})
    cron = {"schedule_id": word, "cron": "0 0 1 1 *", "time_zone": "UTC", "kind": "nothing", "title": canary}
    await edge.post(f"{API}/schedules", cron)
    return {
        "transaction_id": transaction_id,
        "label_id": label["label_id"],
        "import_id": import_id,
        "upload_id": upload_id,
        "label_import_id": labels["import_id"],
        "report_id": report["report_id"],
        "backtest_id": test["backtest_id"],
        "task_id": task["task_id"],
    }


async def _uploaded(edge: Edge, path: str, text: str) -> Any:
    answer = await edge.send("POST", f"{API}/{path}", text.encode(), headers={"content-type": "text/csv"})
    assert answer.status == 200, answer
    return answer.json()
