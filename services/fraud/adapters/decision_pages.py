"""Writes the statements that list decisions: one for each set of filters, for each of which there is an index."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.fraud.domain.verdict import APPROVE, DECLINE, REVIEW
from services.fraud.ports import DecisionFilter

__all__ = ["list_query"]


def list_query(tenant_id: str, only: DecisionFilter, before: UUID | None, limit: int) -> tuple[str, list[Any]]:
    """Returns a statement that holds only the filters given, and its values.

    Whatever is looked for, an index begins with it and goes on in the order of the page: a page costs its rows, also
    where there are none.
    """
    values: list[Any] = [tenant_id, limit]
    conditions = "tenant_id = $1"
    for condition, value in (
        ("user_id = {}", only.user_id),
        (f"decision_id = ({_OF_TRANSACTION})", only.transaction_id),
        ("decision_id < {}", before),
    ):
        if value:
            values.append(value)
            conditions += f" AND {condition.format(f'${len(values)}')}"
    if only.outcome:
        values.append(only.outcome)
        return _page(f"{conditions} AND outcome = ${len(values)}"), values
    if not only.user_id or only.transaction_id:
        return _page(conditions), values
    # The index of a user's decisions is by outcome: the newest of each, then the newest of all.
    pages = " UNION ALL ".join(f"({_page(f'{conditions} AND outcome = {each!r}')})" for each in _OUTCOMES)
    return f"SELECT answer FROM ({pages}) AS found ORDER BY decision_id DESC LIMIT $2", values


_OF_TRANSACTION = "SELECT decision_id FROM transactions WHERE tenant_id = $1 AND transaction_id = {}"
_OUTCOMES = (APPROVE, REVIEW, DECLINE)


def _page(conditions: str) -> str:
    return f"SELECT answer, decision_id FROM decisions WHERE {conditions} ORDER BY decision_id DESC LIMIT $2"
