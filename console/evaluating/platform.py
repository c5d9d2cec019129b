"""Sets up the tenant of an evaluation over the API: features, labels, versions of a model and of a scenario."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta

from console.api import Api, Json
from console.evaluating.recipe import EVENT_TYPE, FEATURES, INPUTS, MODEL, PARAMETERS, TRAINED_DAYS
from console.evaluating.weeks import DELAY_DAYS, Week
from console.failure import CommandFailure

__all__ = ["EvaluatedPlatform"]

SCENARIO = "evaluation"
SCENARIOS = "/api/v1/scenarios"
MODELS = "/api/v1/models"
POLL_SECONDS = 0.5
READY_SECONDS = 900.0
DECIDING_SECONDS = 30.0
PROBE: Json = {"user_id": "nobody", "transaction_amount": 1, "channel": "card_present"}
PROBES = 20
"""Decisions in a row by the version that was deployed: by then every process has seen it."""
BATCH = 10_000
"""Labels of one request."""


class EvaluatedPlatform:
    """The tenant as one client of it sees it. Every method raises CommandFailure.

    A model that found nothing cannot be calibrated: what is to find nothing is not.
    """

    def __init__(self, api: Api, *, calibrated: bool = True) -> None:
        self._api = api
        self._parameters = PARAMETERS if calibrated else {**PARAMETERS, "calibration": "none"}
        # Without a calibration no days are parted to be measured on: one is left out, of which fraud is known.
        self._test_days, self._unknown_days = (0, 0) if calibrated else (1, DELAY_DAYS)

    async def declare_features(self) -> None:
        """Declares what is not there, and waits until all have values."""
        known = {each["name"] async for each in self._api.pages("/api/v1/features", "features", {}, None)}
        for each in FEATURES:
            if each["name"] not in known:
                await self._api.call("POST", f"/api/v1/features?request_id={uuid.uuid4()}", each)
        wanted = {each["name"] for each in FEATURES}
        async with _patience(READY_SECONDS, "the features to have values"):
            while wanted:
                found = self._api.pages("/api/v1/features", "features", {}, None)
                wanted -= {each["name"] async for each in found if each["state"] == "ready"}
                if wanted:
                    await asyncio.sleep(POLL_SECONDS)

    async def label(self, transactions: Sequence[tuple[str, str]]) -> None:
        """Says which transactions were fraud, each with since when that is known (RFC 3339)."""
        for start in range(0, len(transactions), BATCH):
            labels = [
                {"transaction_id": name, "label": "fraud", "source": "evaluation", "known_time": known}
                for name, known in transactions[start : start + BATCH]
            ]
            answer = await self._api.call("POST", "/api/v1/labels:batch", {"labels": labels})
            refused = next((each["error"] for each in answer["results"] if each.get("error")), None)
            if refused is not None:
                raise CommandFailure(f"A label was refused: {refused.get('message', refused)}.")

    async def train(self, week: Week) -> int:
        """Trains a version on what was known before a week. Returns its number."""
        if MODEL not in {each["name"] async for each in self._api.pages(MODELS, "models", {}, None)}:
            body = {"name": MODEL, "event_type": EVENT_TYPE}
            await self._api.call("POST", f"{MODELS}?request_id={uuid.uuid4()}", body)
        since = week.start - timedelta(days=DELAY_DAYS + TRAINED_DAYS)
        training: Json = {
            "features": INPUTS,
            "since": _midnight(since),
            "until": _midnight(week.start - timedelta(days=self._unknown_days)),
            "test_days": self._test_days,
            "delay_days": DELAY_DAYS,
            "entity_field": "user_id",
            "parameters": self._parameters,
        }
        path = f"{MODELS}/{MODEL}/versions"
        made = await self._api.call("POST", f"{path}:train?request_id={uuid.uuid4()}", training)
        return int(made["version"])

    async def model_version(self, number: int) -> Json:
        """Returns a version of the model."""
        return await self._api.call("GET", f"{MODELS}/{MODEL}/versions/{number}")

    async def deploy(self, draft: Json, note: str) -> None:
        """Lets a draft decide, and returns once it does."""
        known = {each["scenario_id"] async for each in self._api.pages(SCENARIOS, "scenarios", {}, None)}
        if SCENARIO in known:
            await self._api.call("PUT", f"{SCENARIOS}/{SCENARIO}/draft?request_id={uuid.uuid4()}", draft)
        else:
            await self._api.call("POST", SCENARIOS, {"scenario_id": SCENARIO, "draft": draft, **_named()})
        path = f"{SCENARIOS}/{SCENARIO}/versions"
        made = await self._api.call("POST", path, {"note": note, **_named()})
        await self._api.call("POST", f"{path}/{made['version']}:deploy", {"target": "live", **_named()})
        await self._decides(int(made["version"]), "model" if "model" in draft else "")

    async def _decides(self, version: int, source: str) -> None:
        """Waits until decisions about somebody who is in no file say that they are by the version."""
        seen = 0
        async with _patience(DECIDING_SECONDS, f"version {version} of the scenario to decide"):
            while seen < PROBES:
                made = await self._api.call("POST", "/api/v1/fraud-check", PROBE)
                by = made["versions"]
                is_new = by["scenario"] == SCENARIO and by["scenario_version"] == version
                decided = is_new and source in ("", made["score_source"])
                seen = seen + 1 if decided else 0
                if not decided:
                    await asyncio.sleep(POLL_SECONDS)


@contextlib.asynccontextmanager
async def _patience(seconds: float, what: str) -> AsyncIterator[None]:
    """Ends a wait for something that does not come."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise CommandFailure(f"Waited {seconds:g} s for {what}.") from None


def _named() -> Json:
    # Named, so that a request that is sent again takes no second step.
    return {"request_id": str(uuid.uuid4())}


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"
