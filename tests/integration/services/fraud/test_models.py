"""What is kept of models, and processes that train and inspect them."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest

from meshkit.errors import MeshError
from meshkit.storage.postgres import Pool, transaction
from meshkit.storage.reads import Reads
from meshkit.tasks import TaskFailure
from services.fraud.adapters.child_inspection import ChildInspection
from services.fraud.adapters.child_training import (
    ChildTraining,
    TrainingLimits,
    training_order_from_json,
    training_order_to_json,
)
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.memory_models import (
    MemoryModelRows,
    MemoryModels,
    MemoryModelWriter,
    MemoryTrainingAttempts,
)
from services.fraud.adapters.postgres_inspected import PostgresInspected
from services.fraud.adapters.postgres_labelled import PostgresLabelledDecisions
from services.fraud.adapters.postgres_labels import PostgresLabels, PostgresLabelWriter
from services.fraud.adapters.postgres_model_changes import PostgresModelWriter
from services.fraud.adapters.postgres_models import PostgresModels, PostgresTrainingAttempts
from services.fraud.adapters.postgres_scenario_changes import PostgresScenarioWriter
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.domain.scoring.model import ModelOrigin, ModelRef
from services.fraud.domain.scoring.version import ModelEnd, ModelUse, ModelVersion
from services.fraud.models.artifact import artifact_of
from services.fraud.models.calibration import UNCALIBRATED
from services.fraud.models.conversion import convert
from services.fraud.models.golden import check_golden
from services.fraud.models.serving import ScoringModel
from services.fraud.ports.backtests import SupersededError
from services.fraud.ports.labelled import DecidedPeriod
from services.fraud.ports.models import InspectionOrder, ModelWriter
from services.fraud.ports.training import TrainingAttempts, TrainingOrder
from services.fraud.service.labels.keeping import LabelService
from tests.support.fraud import check, decided, milliseconds, new_tenant
from tests.support.labels import said
from tests.support.models import FEATURES, MadePayment, made_model, made_payments, model, settings, version
from tests.support.scorers import matrix_of
from tests.support.servers import Database
from tests.unit.services.fraud.models import graphs

FIRST = ModelRef("cards", 1)
LIMITS = TrainingLimits(2_048, 120)


class Kept(NamedTuple):
    """One store of models."""

    reads: PostgresModels | MemoryModels
    writer: ModelWriter
    attempts: TrainingAttempts


@pytest.fixture(params=["memory", "postgres"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "memory":
        rows = MemoryModelRows()
        return Kept(MemoryModels(rows), MemoryModelWriter(rows), MemoryTrainingAttempts(rows))
    return stored(request.getfixturevalue("pool"))


def stored(pool: Pool) -> Kept:
    return Kept(PostgresModels(Reads(pool)), PostgresModelWriter(pool), PostgresTrainingAttempts(pool))


async def added(kept: Kept, tenant: str, *versions: ModelVersion) -> None:
    async with kept.writer.begin(tenant) as changes:
        await changes.create(model())
        for each in versions:
            await changes.add_version(each)


async def test_a_model_is_read_changed_listed_and_deleted_with_its_versions(kept: Kept, tenant: str) -> None:
    one, other = model(description="Stolen cards."), model("accounts")
    async with kept.writer.begin(tenant) as changes:
        assert [await changes.create(each) for each in (one, other, model())] == [one, other, None]
        assert await changes.count() == 2
        await changes.add_version(version(tenant))
        await changes.stage("cards", uuid4(), 1, b"part", "alice")
    assert await kept.reads.model(tenant, "cards") == replace(one, newest=1)
    assert [each.name for each in await kept.reads.page(tenant, "", 10)] == ["accounts", "cards"]
    assert [each.name for each in await kept.reads.page(tenant, "accounts", 10)] == ["cards"]
    assert (await kept.reads.model(new_tenant(), "cards"), await kept.reads.page(new_tenant(), "", 9)) == (None, [])
    changed = replace(one, newest=1, description="Cards.", tag=uuid4())
    async with kept.writer.begin(tenant) as changes:
        await changes.save(changed)
        assert await changes.model("cards") == changed
    async with kept.writer.begin(tenant) as changes:
        await changes.delete("cards")
        assert await changes.waiting() == 0
    assert await kept.reads.model(tenant, "cards") is None
    assert await kept.reads.version(tenant, FIRST) is None


async def test_versions_of_a_model_that_is_made_again_go_on_from_those_of_before(kept: Kept, tenant: str) -> None:
    for before, added_number in ((0, 2), (2, None), (2, 3), (3, None)):
        async with kept.writer.begin(tenant) as changes:
            made = await changes.create(model())
            assert made is not None
            assert made.newest == before
            if added_number is not None:
                await changes.add_version(version(tenant, added_number))
        async with kept.writer.begin(tenant) as changes:
            await changes.delete("cards")
    async with kept.writer.begin(new_tenant()) as changes:
        made = await changes.create(model())
        assert made is not None and made.newest == 0


async def test_a_version_is_read_as_it_was_added(kept: Kept, tenant: str) -> None:
    first, second = version(tenant), version(tenant, 2, use=ModelUse(datetime.now(UTC), 0.5))
    await added(kept, tenant, first, second)
    assert await kept.reads.version(tenant, FIRST) == first
    assert await kept.reads.versions(tenant, "cards", 100, 10) == [second, first]
    assert await kept.reads.versions(tenant, "cards", 2, 10) == [first]
    assert await kept.reads.version(new_tenant(), FIRST) is None
    assert await kept.reads.served(tenant, FIRST) is None
    assert await kept.reads.use(tenant, FIRST) is None, "it is not ready"
    assert await kept.reads.inputs(tenant, FIRST) is None
    async with kept.writer.begin(tenant) as changes:
        await changes.use(FIRST, ModelUse(None, 0.25))
        assert (await changes.version(FIRST)) == replace(first, use=ModelUse(None, 0.25))


async def test_a_model_is_stored_once_by_the_latest_attempt(kept: Kept, tenant: str) -> None:
    await added(kept, tenant, version(tenant))
    assert await kept.attempts.begin(tenant, FIRST, 3)
    assert await kept.attempts.begin(tenant, FIRST, 4)
    for token in (3, 5):
        with pytest.raises(SupersededError):
            await kept.attempts.finish(tenant, FIRST, token, made_model())
    with pytest.raises(SupersededError):
        await kept.attempts.begin(tenant, FIRST, 3)
    await kept.attempts.finish(tenant, FIRST, 4, made_model())
    with pytest.raises(SupersededError):
        await kept.attempts.finish(tenant, FIRST, 4, made_model(("amount",)))
    assert not await kept.attempts.begin(tenant, FIRST, 9), "it is ready"
    found = await kept.reads.version(tenant, FIRST)
    assert found is not None and (found.outcome, found.end) == (made_model().outcome, None)
    served = await kept.reads.served(tenant, FIRST)
    assert served is not None and (served.onnx, served.booster, served.described) == (b"onnx", b"trees", '{"form": 1}')
    assert await kept.reads.use(tenant, FIRST) == found.use
    assert await kept.reads.inputs(tenant, FIRST) == FEATURES
    assert await kept.reads.use(new_tenant(), FIRST) is None
    assert await kept.reads.onnx(tenant, FIRST, 4) == b"onnx"
    assert await kept.reads.onnx(tenant, FIRST, 3) is None
    assert await kept.reads.served(new_tenant(), FIRST) is None
    with pytest.raises(SupersededError):
        await kept.attempts.begin(tenant, ModelRef("cards", 9), 1)


async def test_those_that_have_not_ended_are_known(kept: Kept, tenant: str) -> None:
    await added(kept, tenant, *(version(tenant, number) for number in (1, 2, 3)))
    await kept.attempts.begin(tenant, FIRST, 1)
    await kept.attempts.finish(tenant, FIRST, 1, made_model())
    end = ModelEnd("failed", "There is no fraud.", milliseconds(datetime.now(UTC)))
    async with kept.writer.begin(tenant) as changes:
        for number in (1, 2):
            await changes.end(ModelRef("cards", number), end)
        assert [each.number for each in await changes.unfinished()] == [3]
        assert [each.number for each in await changes.unfinished("cards")] == [3]
        assert await changes.unfinished("accounts") == []
    ends = [each.end for each in await kept.reads.versions(tenant, "cards", 100, 10)]
    assert ends == [None, end, None], "what is ready has not failed"


async def test_scenarios_do_not_change_while_it_is_asked_which_of_them_name_a_model(pool: Pool, tenant: str) -> None:
    async with PostgresScenarioWriter(pool).begin(tenant), PostgresModelWriter(pool).begin(tenant) as changes:
        with pytest.raises(MeshError) as caught:
            await changes.contents()
    assert caught.value.reason == "CONFLICT"


async def test_parts_are_counted_and_a_part_takes_its_own_place(kept: Kept, tenant: str) -> None:
    await added(kept, tenant)
    upload = uuid4()
    async with kept.writer.begin(tenant) as changes:
        assert await changes.stage("cards", upload, 2, b"23", "alice") == (1, 2)
        assert await changes.stage("cards", upload, 1, b"1", "alice") == (2, 3)
        assert await changes.stage("cards", upload, 1, b"01", "alice") == (2, 4)
        assert await changes.waiting() == 2
        brought = version(tenant, origin=ModelOrigin.IMPORTED)
        order = InspectionOrder(
            tenant_id=tenant, name="cards", upload_id=upload, size=4, sha256="", format="", features=()
        )  # fmt: skip
        assert await changes.add_inspected(brought, order) is None, "nobody has inspected it"


async def labelled(pool: Pool, tenant: str, payments: Sequence[MadePayment]) -> None:
    """Stores decisions about payments, and what became known of them."""
    rows = []
    for each in payments:
        minor = round(each.amount * 100)
        made = check(
            tenant, each.transaction_id, user_id=each.user_id, amount=each.amount, amount_minor=minor,
            event_time=milliseconds(each.when),
        )  # fmt: skip
        rows.append(decided(made))
    generation = await pool.fetchval("SELECT generation FROM log_generation")
    rows = [each._replace(features=each.features._replace(generation=generation)) for each in rows]
    for start in range(0, len(rows), 300):
        await PostgresStore(pool, EventKeys(pool)).commit(sorted(rows[start : start + 300], key=lambda x: x.check.key))
    labels = [said(each.transaction_id, known=each.known) for each in payments if each.is_fraud]
    service = LabelService(PostgresLabels(Reads(pool)), lambda: datetime.now(UTC))
    async with PostgresLabelWriter(pool).begin(tenant) as changes:
        await service.store(changes, "alice", labels)


def order(tenant: str, token: int = 1, **changed: Any) -> TrainingOrder:
    asked = settings(datetime.now(UTC), **changed)
    return TrainingOrder(tenant_id=tenant, ref=FIRST, event_type="payment", token=token, settings=asked)


async def news(runner: ChildTraining, asked: TrainingOrder) -> list[str]:
    return [f"{each.message} {each.done}/{each.total}" async for each in runner.run(asked)]


def test_an_order_survives_its_text(tenant: str) -> None:
    asked = order(tenant, parameters={"depth": 4, "calibration": "beta"})
    assert training_order_from_json(json.loads(json.dumps(training_order_to_json(asked)))) == asked


async def test_decisions_are_read_by_the_time_of_their_events_with_their_labels(pool: Pool, tenant: str) -> None:
    now = datetime.now(UTC)
    payments = made_payments(now, 40)
    await labelled(pool, tenant, payments)
    await labelled(pool, new_tenant(), payments[:3])
    since, until = payments[10].when - timedelta(seconds=1), payments[30].when - timedelta(seconds=1)
    rows = PostgresLabelledDecisions(pool)
    period = DecidedPeriod(tenant_id=tenant, event_type="payment", since=since, until=until)
    assert await rows.count(period) == 20
    found = [each async for page in rows.pages(period) for each in page]
    assert {each.past.transaction_id for each in found} == {f"p{number}" for number in range(10, 30)}
    frauds = {each.transaction_id for each in payments if each.is_fraud}
    assert {each.past.transaction_id for each in found if each.labels} == frauds & {f"p{n}" for n in range(10, 30)}
    assert await rows.count(replace(period, event_type="login")) == 0


async def test_a_process_trains_a_model_that_scores_also_after_one_that_was_killed(
    pool: Pool, tenant: str, fraud_database: Database
) -> None:
    await labelled(pool, tenant, made_payments(datetime.now(UTC)))
    kept = stored(pool)
    asked = order(tenant)
    await added(kept, tenant, version(tenant, settings=asked.settings))
    runner = ChildTraining(fraud_database.dsn, LIMITS)
    async with aclosing(runner.run(asked)) as begun:
        async for each in begun:
            if each.message == "growing trees":
                break
    assert await kept.reads.served(tenant, FIRST) is None
    told = await news(runner, replace(asked, token=2))
    assert told[0] == "reading decisions 0/600"
    assert told[-1] == "growing trees 30/30"
    found, served = await kept.reads.version(tenant, FIRST), await kept.reads.served(tenant, FIRST)
    assert found is not None and found.outcome is not None and served is not None
    artifact = artifact_of(json.loads(served.described), served.onnx, served.booster)
    assert artifact.fingerprint() == found.outcome.fingerprint
    scoring = ScoringModel(served.onnx, artifact.signature)
    check_golden(scoring, artifact.golden)
    small, large = scoring.score(matrix_of([{"amount": 10.0}, {"amount": 500.0}], FEATURES))
    assert large > 0.3 > 0.2 > small
    assert found.outcome.evaluation is not None and found.outcome.evaluation["rows"] > 100
    assert (found.outcome.learned_rows > 250, found.outcome.unreadable) == (True, 0)
    assert await news(runner, replace(asked, token=3)) == [], "it is ready"


async def test_an_attempt_that_another_one_overtook_stores_nothing(
    pool: Pool, tenant: str, fraud_database: Database
) -> None:
    await labelled(pool, tenant, made_payments(datetime.now(UTC)))
    kept, asked = stored(pool), order(tenant)
    await added(kept, tenant, version(tenant))
    overtaken = False
    with pytest.raises(TaskFailure, match="another attempt"):
        async with aclosing(ChildTraining(fraud_database.dsn, LIMITS).run(asked)) as told:
            async for _ in told:
                if not overtaken:
                    overtaken = await kept.attempts.begin(tenant, FIRST, 2)
    assert await kept.reads.served(tenant, FIRST) is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"until": datetime(2020, 2, 1, tzinfo=UTC), "since": datetime(2020, 1, 1, tzinfo=UTC)}, "no events"),
        ({"target": "chargeback"}, "20 of each kind are needed"),
        ({"parameters": {"trees": 0}}, "trees: 0 is not from"),
    ],
)
async def test_what_cannot_be_trained_says_why_and_is_not_tried_again(
    pool: Pool, tenant: str, fraud_database: Database, changed: dict[str, Any], words: str
) -> None:
    await labelled(pool, tenant, made_payments(datetime.now(UTC), 100))
    await added(stored(pool), tenant, version(tenant))
    asked = order(tenant)
    target = type(asked.settings.target)(changed.pop("target", "fraud"))
    asked = replace(asked, settings=replace(asked.settings, target=target, **changed))
    with pytest.raises(TaskFailure, match=words) as caught:
        await news(ChildTraining(fraud_database.dsn, LIMITS), asked)
    assert not caught.value.retryable


async def test_a_training_ends_where_its_memory_does(pool: Pool, tenant: str, fraud_database: Database) -> None:
    await labelled(pool, tenant, made_payments(datetime.now(UTC), 100))
    await added(stored(pool), tenant, version(tenant))
    with pytest.raises(TaskFailure):
        await news(ChildTraining(fraud_database.dsn, TrainingLimits(1, 60)), order(tenant))


TELLS = """
import json, os, sys, time
sys.stdin.readline()
print(json.dumps({"done": os.getpid(), "total": 1, "message": ""}), flush=True)
time.sleep(600)
"""


async def test_a_training_that_nobody_waits_for_any_more_is_ended(tenant: str) -> None:
    async with aclosing(ChildTraining("", LIMITS, (sys.executable, "-c", TELLS)).run(order(tenant))) as told:
        pid = (await anext(told)).done
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_training_that_is_killed_is_tried_again(tenant: str) -> None:
    with pytest.raises(TaskFailure, match="ended before its work") as caught:
        async with aclosing(ChildTraining("", LIMITS, (sys.executable, "-c", TELLS)).run(order(tenant))) as told:
            async for each in told:
                os.kill(each.done, signal.SIGKILL)
    assert caught.value.retryable


async def uploaded(
    pool: Pool, tenant: str, content: bytes, *, features: tuple[str, ...] = FEATURES, parts: int = 2, **changed: Any
) -> InspectionOrder:
    """Uploads a file in parts. Returns the order to inspect it."""
    asked: dict[str, Any] = {
        "tenant_id": tenant, "name": "cards", "upload_id": uuid4(), "size": len(content),
        "sha256": sha256(content).hexdigest(), "format": "", "features": features,
    } | changed  # fmt: skip
    size = max(-(-len(content) // parts), 1)
    async with PostgresModelWriter(pool).begin(tenant) as changes:
        await changes.create(model())
        for number in range(parts):
            part = content[number * size : (number + 1) * size]
            await changes.stage("cards", asked["upload_id"], number + 1, part, "alice")
    return InspectionOrder(**asked)


def brought(**more: Any) -> bytes:
    return bytes(graphs.logistic(**more).SerializeToString())


async def test_an_onnx_file_is_inspected_elsewhere_and_taken(pool: Pool, tenant: str, fraud_database: Database) -> None:
    asked = await uploaded(pool, tenant, brought())
    inspector, kept = ChildInspection(fraud_database.dsn, start_seconds=30.0, seconds=30.0), stored(pool)
    found = await inspector.inspect(asked)
    assert found.features == FEATURES
    now = datetime.now(UTC)
    taken = version(tenant, origin=ModelOrigin.IMPORTED, settings=None, task_id="", created_at=now, ready_at=now)
    async with kept.writer.begin(tenant) as changes:
        other = replace(asked, features=tuple(reversed(FEATURES)))
        assert await changes.add_inspected(taken, other) is None, "by another order it may be another model"
        outcome = await changes.add_inspected(taken, asked)
        assert outcome is not None and (outcome.explains, await changes.waiting()) == (False, 0)
    served = await kept.reads.served(tenant, FIRST)
    assert served is not None and served.onnx == brought()
    artifact = artifact_of(json.loads(served.described), served.onnx, served.booster)
    check_golden(ScoringModel(served.onnx, artifact.signature), artifact.golden)
    assert await inspector.inspect(asked) == found, "the parts have gone, what was found has not"
    assert await kept.reads.version(tenant, FIRST) == replace(taken, outcome=outcome)


@pytest.mark.parametrize("form", ["json", "ubj"])
async def test_a_file_of_xgboost_becomes_onnx(pool: Pool, tenant: str, fraud_database: Database, form: str) -> None:
    content = boosted(form)
    asked = await uploaded(pool, tenant, content, features=())
    found = await ChildInspection(fraud_database.dsn, start_seconds=30.0, seconds=30.0).inspect(asked)
    assert (found.features, found.takes_missing) == (FEATURES, True)
    async with transaction(pool, [tenant]) as connection:
        row = await connection.fetchrow("SELECT described, onnx, booster FROM inspected_models")
    assert row is not None and row["booster"]
    artifact = artifact_of(json.loads(row["described"]), row["onnx"], row["booster"])
    check_golden(ScoringModel(row["onnx"], artifact.signature), artifact.golden)
    assert row["onnx"] == convert(row["booster"], UNCALIBRATED, FEATURES)


def boosted(form: str) -> bytes:
    import numpy as np
    import xgboost

    chance = np.random.default_rng(1)
    values = chance.normal(size=(200, len(FEATURES))).astype(np.float32)
    matrix = xgboost.DMatrix(values, values[:, 0] > 0.5, feature_names=list(FEATURES), nthread=1)
    told = {"objective": "binary:logistic", "nthread": 1, "max_depth": 2}
    return bytes(xgboost.train(told, matrix, 5).save_raw(form))


@pytest.mark.parametrize(
    ("content", "features", "reason", "words"),
    [
        (b"\x08\x08garbage", FEATURES, "unreadable", "no ONNX model"),
        (brought()[:-40], FEATURES, "unreadable", "cut short"),
        (b'{"learner": 1}', FEATURES, "unreadable", "no model of XGBoost"),
        (boosted("ubj")[:300], FEATURES, "unreadable", "no model of XGBoost"),
        (brought(), (), "inputs", "does not name its features"),
        (brought(), FEATURES[:2], "inputs", "takes 3 features"),
        (boosted("json"), FEATURES[:2], "inputs", "has 3 features"),
        (brought(nodes=[graphs.node("Loop", ["x"], ["y"])]), FEATURES, "foreign_operator", "Loop"),
        (brought(weights=(float("nan"), 0.0, 0.0)), FEATURES, "weights", ""),
    ],
)
async def test_what_is_no_model_is_refused_with_the_reason(
    pool: Pool,
    tenant: str,
    fraud_database: Database,
    content: bytes,
    features: tuple[str, ...],
    reason: str,
    words: str,
) -> None:
    asked = await uploaded(pool, tenant, content, features=features)
    with pytest.raises(MeshError) as caught:
        await ChildInspection(fraud_database.dsn, start_seconds=30.0, seconds=30.0).inspect(asked)
    (violation,) = caught.value.violations
    assert (caught.value.reason, violation.reason) == ("VALIDATION_FAILED", f"model.{reason}")
    assert words in violation.message


async def test_a_file_that_is_not_whole_or_another_is_refused(
    pool: Pool, tenant: str, fraud_database: Database
) -> None:
    inspector = ChildInspection(fraud_database.dsn, start_seconds=30.0, seconds=30.0)
    for changed, reason in (({"size": 7}, "STATE_NOT_ALLOWED"), ({"sha256": "0" * 64}, "VALIDATION_FAILED")):
        with pytest.raises(MeshError) as caught:
            await inspector.inspect(await uploaded(pool, tenant, brought(), **changed))
        assert caught.value.reason == reason
    with pytest.raises(MeshError) as caught:
        await inspector.inspect(replace(await uploaded(pool, tenant, brought()), upload_id=uuid4()))
    assert caught.value.reason == "STATE_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import time; time.sleep(60)", "DEPENDENCY_UNAVAILABLE"),
        ("print('{\"ready\": true}', flush=True); import time; time.sleep(60)", "VALIDATION_FAILED"),
        ("print('{\"ready\": true}', flush=True); import os; os.abort()", "VALIDATION_FAILED"),
        ("", "DEPENDENCY_UNAVAILABLE"),
        ('print(\'{"ready": true}\\n{"done": 1}\', flush=True)', "VALIDATION_FAILED"),
        ("print('{\"ready\": true}\\n' + 'x' * (3 << 20), flush=True)", "VALIDATION_FAILED"),
    ],
)
async def test_a_process_that_hangs_or_breaks_takes_nothing_with_it(tenant: str, program: str, reason: str) -> None:
    asked = InspectionOrder(
        tenant_id=tenant, name="cards", upload_id=uuid4(), size=1, sha256="", format="", features=FEATURES
    )
    inspector = ChildInspection("", (sys.executable, "-c", program), start_seconds=1.0, seconds=0.5)
    with pytest.raises(MeshError) as caught:
        await inspector.inspect(asked)
    assert caught.value.reason == reason


async def test_old_uploads_go_whatever_the_tenant_and_young_ones_stay(pool: Pool, tenant: str) -> None:
    old, young = [await uploaded(pool, tenant, brought()) for _ in range(2)]
    await PostgresInspected(pool, old).store(made_model())
    async with transaction(pool, [tenant]) as connection:
        for table in ("model_upload_parts", "inspected_models"):
            query = f"UPDATE {table} SET created_at = now() - interval '25 hours' WHERE upload_id = $1"
            await connection.execute(query, old.upload_id)
    writer = PostgresModelWriter(pool)
    assert await writer.prune() == 3
    assert await writer.prune() == 0
    async with transaction(pool, [tenant]) as connection:
        left: list[UUID] = [row[0] for row in await connection.fetch("SELECT upload_id FROM model_upload_parts")]
    assert left == [young.upload_id] * 2
