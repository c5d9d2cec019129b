"""Models over REST and from the command line: trained on payments and labels, brought as files, shown and refused."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from services.fraud.models.serving import ScoringModel
from services.fraud.models.signature import own_signature
from tests.steelthread.edge import CHECK, Edge, a_check, refusal
from tests.steelthread.platform import SCOPES, Platform
from tests.support.models import MadePayment, made_payments
from tests.unit.services.fraud.models import graphs

MODELS, LABELS = "/api/v1/models", "/api/v1/labels"
AT_ONCE = 60
SECONDS = 90.0
TRAINING: dict[str, Any] = {
    "features": ["amount", "user_count_1h", "user_new_device"], "days": 15, "test_days": 4,
    "validation_days": 2, "delay_days": 2, "parameters": {"trees": 10, "folds": 2},
}  # fmt: skip


class Taught(NamedTuple):
    """A client of a tenant that has payments of two weeks, and knows which were fraud."""

    edge: Edge
    payments: Sequence[MadePayment]


@pytest.fixture(scope="module")
async def taught(platform: Platform) -> Taught:
    return await teach(platform)


async def teach(platform: Platform) -> Taught:
    """Returns a client whose tenant has decided payments, and been told which were fraud."""
    edge = await platform.new_edge(scopes=(*SCOPES, "fraud:backfill"))
    payments = made_payments(datetime.now(UTC), 600)
    for start in range(0, len(payments), AT_ONCE):
        requests = [
            a_check(
                transaction_id=each.transaction_id, user_id=each.user_id, transaction_amount=each.amount,
                event_time=each.when.isoformat(), currency="USD",
            )
            for each in payments[start : start + AT_ONCE]
        ]  # fmt: skip
        results = (await edge.post(f"{CHECK}:batch", {"requests": requests}))["results"]
        assert all("decision" in each for each in results), results
    frauds = [each for each in payments if each.is_fraud]
    labels = [
        {"transaction_id": each.transaction_id, "label": "fraud", "known_time": each.known.isoformat()}
        for each in frauds
    ]
    assert (await edge.post(f"{LABELS}:batch", {"labels": labels}))["created_count"] == len(frauds)
    return Taught(edge, payments)


async def ended(edge: Edge, version: dict[str, Any]) -> dict[str, Any]:
    path, until = f"{MODELS}/{version['name']}/versions/{version['version']}", time.monotonic() + SECONDS
    while True:
        found = await edge.get(path)
        if found["state"] in ("ready", "failed", "cancelled"):
            return found
        assert time.monotonic() < until, found
        await asyncio.sleep(0.2)


async def send(edge: Edge, method: str, path: str, value: Any = None) -> Any:
    return await edge.send(method, path, b"" if value is None else json.dumps(value).encode())


async def test_a_model_is_trained_and_told_with_what_it_was_worth(taught: Taught) -> None:
    edge = taught.edge
    made = await send(edge, "POST", MODELS, {"name": "cards", "description": "Stolen cards."})
    assert (made.status, made.json()["event_type"], made.json()["newest_version"]) == (201, "payment", 0)
    version = await edge.post(f"{MODELS}/cards/versions:train", TRAINING)
    assert (version["version"], version["state"], version["origin"]) == (1, "pending", "trained")
    ready = await ended(edge, version)
    assert (ready["state"], ready["error"], ready["features"]) == ("ready", "", TRAINING["features"])
    metrics = ready["metrics"]
    assert int(metrics["learned_rows"]) > 250 and int(metrics["learned_frauds"]) > 20
    assert int(metrics["rows"]) > 100 and int(metrics["unreadable"]) == 0
    assert metrics["auc_roc"] > 0.7
    assert (len(metrics["thresholds"]), len(metrics["reliability"])) == (10, 20)
    assert metrics["certain"]["threshold"] == 0.95
    assert sum(int(each["rows"]) for each in metrics["reliability"]) == int(metrics["rows"])
    validation = ready["validation_metrics"]
    assert 0 < int(validation["rows"]) < int(metrics["rows"]) and validation["auc_roc"] > 0.5
    assert ready["training"]["entity_field"] == "user_id"
    (listed,) = (await edge.get(f"{MODELS}/cards/versions"))["model_versions"]
    assert (listed["fingerprint"], listed["metrics"]["thresholds"]) == (ready["fingerprint"], [])
    answer = await edge.send("GET", f"{MODELS}/cards/versions/1:download")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/octet-stream")
    small, large = ScoringModel(answer.body, own_signature(ready["features"])).score(
        np.array([[10.0, 0.0, 0.0], [500.0, 0.0, 0.0]], np.float32)
    )
    assert large > small
    assert (await edge.get(f"{MODELS}/cards"))["newest_version"] == 1


async def test_a_training_is_cancelled_and_makes_no_model(taught: Taught) -> None:
    edge = taught.edge
    await edge.post(MODELS, {"name": "slow"})
    slow = TRAINING | {"parameters": {"trees": 1000, "folds": 10}}
    version = await edge.post(f"{MODELS}/slow/versions:train", slow)
    until = time.monotonic() + SECONDS
    while (found := await edge.get(f"{MODELS}/slow/versions/1")).get("progress", {}).get("message") != "growing trees":
        assert found["state"] in ("pending", "running") and time.monotonic() < until, found
        await asyncio.sleep(0.05)
    refused = await edge.send("DELETE", f"{MODELS}/slow")
    assert (refused.status, refusal(refused)["reason"]) == (409, "STATE_NOT_ALLOWED")
    asked = await edge.post(f"{MODELS}/slow/versions/1:cancel", {})
    assert asked["state"] in ("cancelling", "cancelled")
    cancelled = await ended(edge, version)
    assert (cancelled["state"], cancelled["fingerprint"], "metrics" in cancelled) == ("cancelled", "", False)
    answer = await edge.send("GET", f"{MODELS}/slow/versions/1:download")
    assert refusal(answer)["reason"] == "STATE_NOT_ALLOWED"
    assert (await edge.send("DELETE", f"{MODELS}/slow")).status == 200


async def test_a_training_that_is_killed_begins_again_and_makes_its_model(taught: Taught, platform: Platform) -> None:
    edge = taught.edge
    await edge.post(MODELS, {"name": "killed"})
    version = await edge.post(f"{MODELS}/killed/versions:train", TRAINING)
    until = time.monotonic() + SECONDS
    while not (found := trainers(platform)):
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    ready = await ended(edge, version)
    assert (ready["state"], ready["error"]) == ("ready", "")
    assert await attempts_at(platform, "Training of killed@1") == [("failed", "ProcessEnded"), ("succeeded", None)]


async def attempts_at(platform: Platform, title: str) -> list[tuple[Any, ...]]:
    """Returns how the attempts at a task have ended, once none is under way."""
    asked = """SELECT a.outcome, a.error_type FROM attempts AS a JOIN tasks AS t USING (tenant_id, task_id)
        WHERE t.title = $1 ORDER BY a.number"""
    async with asyncio.timeout(SECONDS):
        while True:
            told = [tuple(row) for row in await platform.rows("task", asked, title)]
            if ("running", None) not in told:
                return told
            await asyncio.sleep(0.1)


def trainers(platform: Platform) -> list[int]:
    """Returns the processes in which this platform trains."""
    own, found = set(platform.dev["pids"].values()), []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"services.fraud.app.training_process" in (folder / "cmdline").read_bytes():
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                found += [int(folder.name)] if parent in own else []
    return found


async def test_what_a_training_lacks_is_said(taught: Taught, platform: Platform) -> None:
    edge = await platform.new_edge()
    await edge.post(MODELS, {"name": "cards"})
    failed = await ended(edge, await edge.post(f"{MODELS}/cards/versions:train", {"days": 20}))
    assert (failed["state"], failed["error"]) == ("failed", "the period has no events of the type")
    for changed, field in (
        ({"features": ["amount", "nonsense"]}, "training.features[1]"),
        ({"features": ["channel"]}, "training.features[0]"),
        ({"entity_field": "amount"}, "training.entity_field"),
        ({"days": 10}, "training.since"),
        ({"parameters": {"trees": 5000}}, "training.parameters.trees"),
    ):
        answer = await send(edge, "POST", f"{MODELS}/cards/versions:train", changed)
        assert (answer.status, [each["field"] for each in refusal(answer)["errors"]]) == (400, [field])


async def test_scopes_of_models_are_enough_to_train(platform: Platform) -> None:
    edge = await platform.new_edge(scopes=("model:read", "model:write"))
    await edge.post(MODELS, {"name": "cards"})
    failed = await ended(edge, await edge.post(f"{MODELS}/cards/versions:train", {"days": 20}))
    assert failed["state"] == "failed"
    reader = await platform.new_edge(scopes=("model:read",))
    assert (await send(reader, "POST", MODELS, {"name": "cards"})).status == 403


async def test_another_tenant_sees_nothing(taught: Taught, platform: Platform) -> None:
    await taught.edge.post(MODELS, {"name": "hidden"})
    other = await platform.new_edge()
    assert (await other.get(MODELS))["models"] == []
    for path in (f"{MODELS}/hidden", f"{MODELS}/hidden/versions", f"{MODELS}/hidden/versions/1"):
        assert (await other.send("GET", path)).status == 404
    assert (await send(other, "POST", f"{MODELS}/hidden/versions:train", {})).status == 404
    assert (await other.send("DELETE", f"{MODELS}/hidden")).status == 404


async def test_a_model_is_changed_in_the_state_that_is_named_and_deleted(edge: Edge) -> None:
    made = await edge.post(MODELS, {"name": "cards"})
    again = await send(edge, "POST", MODELS, {"name": "cards", "description": "Others."})
    assert (again.status, refusal(again)["reason"]) == (409, "RESOURCE_EXISTS")
    changed = await edge.patch(f"{MODELS}/cards", {"description": "Cards.", "etag": made["etag"]})
    assert (changed["description"], changed["etag"] != made["etag"]) == ("Cards.", True)
    late = await send(edge, "PATCH", f"{MODELS}/cards", {"description": "Late.", "etag": made["etag"]})
    assert refusal(late)["reason"] == "ETAG_MISMATCH"
    assert (await edge.send("DELETE", f"{MODELS}/cards")).status == 200
    assert (await edge.send("GET", f"{MODELS}/cards")).status == 404
    wrong = await send(edge, "POST", MODELS, {"name": "cards", "event_type": "voyage"})
    assert [each["field"] for each in refusal(wrong)["errors"]] == ["model.event_type"]


async def brought(edge: Edge, content: bytes, **changed: Any) -> Any:
    """Uploads a file in two parts, and asks to make a version of it."""
    upload, half = uuid.uuid4(), len(content) // 2
    for number, part in ((2, content[half:]), (1, content[:half])):
        path = f"{MODELS}/cards/uploads/{upload}:part?part={number}"
        answer = await edge.send("POST", path, part, headers={"content-type": "application/octet-stream"})
        assert answer.status == 200, answer
    assert answer.json() == {"parts": 2, "size": str(len(content))}
    asked = {
        "upload_id": str(upload), "size": len(content), "sha256": hashlib.sha256(content).hexdigest(),
        "features": TRAINING["features"], "request_id": str(uuid.uuid4()),
    } | changed  # fmt: skip
    return asked, await imported(edge, asked)


async def imported(edge: Edge, asked: dict[str, Any]) -> Any:
    """Asks again, as clients do, while a busy machine does not start the process that inspects."""
    for _ in range(5):
        answer = await send(edge, "POST", f"{MODELS}/cards/versions:import", asked)
        if answer.status != 503:
            break
    return answer


async def test_an_onnx_file_becomes_a_version_once(edge: Edge) -> None:
    await edge.post(MODELS, {"name": "cards"})
    content = graphs.logistic().SerializeToString()
    asked, answer = await brought(edge, content)
    made = answer.json()
    assert (answer.status, made["state"], made["origin"], made["version"]) == (200, "ready", "imported", 1)
    assert (made["features"], made["explains"], "metrics" in made) == (TRAINING["features"], False, False)
    assert (made["takes_missing"], made["most_missing"]) == (False, 0)
    again = await send(edge, "POST", f"{MODELS}/cards/versions:import", asked)
    assert (again.status, again.json()) == (200, made)
    assert (await edge.send("GET", f"{MODELS}/cards/versions/1:download")).body == content
    used = await edge.patch(f"{MODELS}/cards/versions/1", {"valid_until": "2031-01-01T00:00:00Z"})
    assert used["valid_until"] == "2031-01-01T00:00:00Z"
    wrong = await send(edge, "PATCH", f"{MODELS}/cards/versions/1", {"most_missing": 0.5})
    assert [each["field"] for each in refusal(wrong)["errors"]] == ["most_missing"]
    cancelled = await send(edge, "POST", f"{MODELS}/cards/versions/1:cancel", {})
    assert refusal(cancelled)["reason"] == "STATE_NOT_ALLOWED"


async def test_what_is_no_model_is_refused_with_the_reason(edge: Edge) -> None:
    await edge.post(MODELS, {"name": "cards"})
    content = graphs.logistic().SerializeToString()
    for bad, changed, reason in (
        (b"\x08\x08" + b"garbage" * 9, {}, "model.unreadable"),
        (content, {"features": TRAINING["features"][:2]}, "model.inputs"),
        (content, {"features": ["amount", "user_count_1h", "nonsense"]}, "features.known"),
        (content, {"sha256": "0" * 64}, "sha256.differs"),
    ):
        _, answer = await brought(edge, bad, **changed)
        assert answer.status == 400, answer
        assert [each["reason"] for each in refusal(answer)["errors"]] == [reason]
    _, answer = await brought(edge, content, size=len(content) + 1)
    assert refusal(answer)["reason"] == "STATE_NOT_ALLOWED"
    assert (await edge.get(f"{MODELS}/cards/versions"))["model_versions"] == []


async def test_the_command_line_trains_shows_and_imports(taught: Taught, platform: Platform, tmp_path: Path) -> None:
    target, secret = taught.edge.target, tmp_path / "secret"
    secret.write_text(target.client_secret)
    client = ("--base-url", target.base_url, "--client-id", target.client_id, "--client-secret-file", str(secret))

    async def rampart(*arguments: str) -> tuple[int, str]:
        return await platform.rampart("model", *arguments, *client)

    assert (await rampart("create", "console"))[0] == 0
    quick = ("--days", "15", "--test-days", "4", "--delay-days", "2", "--feature", "amount", "--trees", "5")
    code, shown = await rampart("train", "console", *quick, "--folds", "2")
    assert code == 0, shown
    assert all(words in shown for words in ("succeeded", "average precision", "from score", "came true")), shown
    code, shown = await rampart("show", "console", "--json")
    assert (code, json.loads(shown)["version"]["state"]) == (0, "ready")
    file = tmp_path / "model.onnx"
    assert (await rampart("download", "console", "1", "--output", str(file)))[0] == 0
    code, shown = await rampart("import", "console", str(file), "--json")
    assert (code, json.loads(shown)["features"]) == (0, ["amount"]), "the file names its features"
    code, shown = await rampart("versions", "console")
    assert (code, "imported" in shown, "trained" in shown) == (0, True, True)
    file.write_bytes(b"nothing of the kind")
    code, shown = await rampart("import", "console", str(file), "--feature", "amount")
    assert (code, "no ONNX model" in shown) == (2, True), shown
