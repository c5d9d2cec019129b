"""Topics under which the store tells what has happened, as its notifications carry them."""

from __future__ import annotations

__all__ = ["cancel_of", "changed", "ready"]


def ready(kind: str) -> str:
    """Returns the topic of tasks of a kind that can be leased."""
    return f"ready {kind}"


def changed(tenant_id: str, task_id: object) -> str:
    """Returns the topic of changes of one task."""
    return f"changed {tenant_id} {task_id}"


def cancel_of(worker: str) -> str:
    """Returns the topic of tasks that a worker is to stop."""
    return f"cancel {worker}"
