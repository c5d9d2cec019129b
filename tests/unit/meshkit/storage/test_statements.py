"""Statements are named by what they do and to what, never by a value."""

from __future__ import annotations

import pytest

from meshkit.storage.statements import summarised


@pytest.mark.parametrize(
    ("statement", "summary"),
    [
        ("BEGIN;", "BEGIN"),
        ("COMMIT;", "COMMIT"),
        ("SELECT 1", "SELECT"),
        ("SELECT record_decisions($1, $2::uuid[])", "SELECT record_decisions"),
        ("\nSELECT answer, inputs FROM decisions WHERE tenant_id = $1", "SELECT decisions"),
        ("SELECT d.x FROM unnest($1::uuid[]) AS k (x)\nJOIN decisions d USING (x)", "SELECT decisions"),
        ("SELECT extract(epoch FROM created_at) FROM outbox", "SELECT outbox"),
        ("INSERT INTO users (a) VALUES ($1) ON CONFLICT DO UPDATE SET a = $1", "INSERT users"),
        ("UPDATE tasks SET state = $1 FROM kinds", "UPDATE tasks"),
        ("DELETE FROM requests WHERE made < $1", "DELETE requests"),
        ("WITH old AS (SELECT id FROM tasks FOR UPDATE SKIP LOCKED) SELECT id FROM old", "SELECT tasks"),
        ("WITH old AS (SELECT id FROM tasks) DELETE FROM attempts USING old", "DELETE attempts"),
        ("WITH n AS (SELECT $1) UPDATE tasks AS t SET a = 1", "UPDATE tasks"),
    ],
)
def test_a_statement_is_named_after_its_operation_and_its_table(statement: str, summary: str) -> None:
    assert summarised(statement) == (summary.partition(" ")[0], summary)
