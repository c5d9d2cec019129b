"""Workers: how a service does tasks of the task service. A handler is a function.

async def export(task: LeasedTask) -> Result:
    for done, page in enumerate(pages, start=1):
        await write(page, once=task.token)
        task.progress(done, len(pages))
        await task.checkpoint({"page": done})
    return {"pages": len(pages)}

channel = open_channel(settings.task_address, host.identity(settings.mesh), task_policies(), service="task")
await host.open(channel, name="task")
host.background("tasks", Worker(channel, {"report.export": export}).run)

A service also has work of its own kinds done for the tenant whose call it carries out:

work = OrderedWork(report_id, "A report", {"report_id": report_id})
task_id = await RemoteTasks(channel, "report.export").submit(work)
"""

from __future__ import annotations

from meshkit.tasks.client import task_policies
from meshkit.tasks.creation import when_created
from meshkit.tasks.leased import Handler, LeasedTask, Reference, Result, TaskFailure
from meshkit.tasks.submitted import (
    GONE,
    UNFINISHED,
    OrderedWork,
    SubmittedTasks,
    WorkState,
    states_of,
    unfinished,
)
from meshkit.tasks.submitting import RemoteTasks
from meshkit.tasks.worker import KindLimits, SystemSchedule, Worker

__all__ = [
    "GONE",
    "UNFINISHED",
    "Handler",
    "KindLimits",
    "LeasedTask",
    "OrderedWork",
    "Reference",
    "RemoteTasks",
    "Result",
    "SubmittedTasks",
    "SystemSchedule",
    "TaskFailure",
    "WorkState",
    "Worker",
    "states_of",
    "task_policies",
    "unfinished",
    "when_created",
]
