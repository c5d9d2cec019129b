"""Converts backtests and what came of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from rampart.fraud.v1 import backtest_pb2 as pb
from rampart.fraud.v1 import backtest_service_pb2 as service_pb

from meshkit.tasks import WorkState
from meshkit.timestamps import time_from_proto, time_to_proto
from services.fraud.convert.amounts import units_from_minor
from services.fraud.domain.backtests.backtest import Backtest, BacktestValues
from services.fraud.domain.backtests.tally import BacktestExample, BacktestTally, Change
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.verdict import APPROVE, DECLINE

__all__ = ["backtest_to_proto", "period_from_proto", "result_to_proto"]


def period_from_proto(
    request: service_pb.CreateBacktestRequest,
) -> tuple[VersionRef, datetime, datetime | None, BacktestValues]:
    """Returns what a backtest is asked of: version, beginning, end if there is one, and where values come from."""
    until = time_from_proto(request.until) if request.HasField("until") else None
    ref = VersionRef(request.scenario_id, request.version)
    return ref, time_from_proto(request.since), until, BacktestValues(request.values)


def backtest_to_proto(backtest: Backtest, state: WorkState) -> pb.Backtest:
    message = pb.Backtest(
        backtest_id=backtest.backtest_id,
        scenario_id=backtest.scenario_id,
        version=backtest.number,
        event_type=backtest.event_type,
        since=time_to_proto(backtest.since),
        until=time_to_proto(backtest.until),
        values=backtest.values.value,
        state=state.state,
        progress=pb.BacktestProgress(done=state.done, total=state.total, message=state.message),
        error=state.error,
        created_by=backtest.created_by,
        create_time=time_to_proto(backtest.created_at),
    )
    if state.finished_at is not None:
        message.finish_time.CopyFrom(time_to_proto(state.finished_at))
    if backtest.result is not None:
        message.result.CopyFrom(result_to_proto(backtest.result))
    return message


def result_to_proto(tally: BacktestTally) -> pb.BacktestResult:
    """Returns what came of a backtest, what differs the most first."""
    return pb.BacktestResult(
        decisions=tally.decisions,
        unreadable=tally.unreadable,
        outcomes=[
            pb.BacktestOutcome(before=before, after=after, decisions=count)
            for (before, after), count in sorted(tally.outcomes.items(), key=lambda each: (-each[1], each[0]))
        ],
        rules=_rules(tally),
        money=[_money(tally, currency) for currency in sorted({currency for *_, currency in tally.money})],
        affected=[
            pb.BacktestAffected(field=name, outcome=outcome, values=affected.count, more=affected.more)
            for (name, outcome), affected in sorted(tally.affected.items(), key=lambda each: each[0])
        ],
        examples=[_example(change, example) for change, kept in sorted(tally.examples.items()) for example in kept],
    )


def _rules(tally: BacktestTally) -> list[pb.BacktestRule]:
    ids = {code: rule_id for rule_id, code in tally.rules.items()}
    codes = {*ids, *tally.before, *tally.after}
    found = [
        pb.BacktestRule(
            code=code,
            rule_id=ids.get(code, ""),
            before=tally.before[code],
            after=tally.after[code],
            alone=tally.alone[code],
            errors=tally.errors[ids.get(code, "")],
            not_enough_data=tally.not_enough_data[ids.get(code, "")],
        )
        for code in codes
    ]
    return sorted(found, key=lambda each: (-abs(each.after - each.before), -each.after, each.code))


def _money(tally: BacktestTally, currency: str) -> pb.BacktestMoney:
    sums = [(before, after, total) for (before, after, of), total in tally.money.items() if of == currency]

    def told(counts: Callable[[str, str], bool]) -> str:
        return units_from_minor(sum(total for before, after, total in sums if counts(before, after)), currency)

    return pb.BacktestMoney(
        currency=currency,
        declined_before=told(lambda before, after: before == DECLINE),
        declined_after=told(lambda before, after: after == DECLINE),
        newly_declined=told(lambda before, after: before != DECLINE and after == DECLINE),
        newly_approved=told(lambda before, after: before != APPROVE and after == APPROVE),
    )


def _example(change: Change, example: BacktestExample) -> pb.BacktestExample:
    return pb.BacktestExample(
        decision_id=example.decision_id,
        transaction_id=example.transaction_id,
        before=change[0],
        after=change[1],
        score_before=example.score_before,
        score_after=example.score_after,
        rules_gone=example.gone,
        rules_new=example.new,
        event_time=time_to_proto(datetime.fromtimestamp(example.event_time, UTC)),
    )
