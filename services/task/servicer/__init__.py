"""The task service over gRPC: convert, call, convert. The tenant comes only from the verified token."""

from __future__ import annotations

from services.task.servicer.schedules import ScheduleCalls
from services.task.servicer.submitted import SubmittedCalls
from services.task.servicer.tasks import Creates, TaskCalls, creating
from services.task.servicer.work import WorkCalls

__all__ = ["Creates", "TaskServicer", "creating"]


class TaskServicer:
    """Implements `rampart.task.v1.TaskService`: each part has the methods of one resource."""

    def __init__(self, tasks: TaskCalls, schedules: ScheduleCalls, work: WorkCalls, submitted: SubmittedCalls) -> None:
        self.CreateTask = tasks.CreateTask
        self.CoalesceCreateTask = tasks.CoalesceCreateTask
        self.GetTask = tasks.GetTask
        self.ListTasks = tasks.ListTasks
        self.UpdateTask = tasks.UpdateTask
        self.CancelTask = tasks.CancelTask
        self.RetryTask = tasks.RetryTask
        self.WatchTask = tasks.WatchTask
        self.ListTaskAttempts = tasks.ListTaskAttempts
        self.CreateSchedule = schedules.CreateSchedule
        self.GetSchedule = schedules.GetSchedule
        self.ListSchedules = schedules.ListSchedules
        self.UpdateSchedule = schedules.UpdateSchedule
        self.DeleteSchedule = schedules.DeleteSchedule
        self.PauseSchedule = schedules.PauseSchedule
        self.ResumeSchedule = schedules.ResumeSchedule
        self.DeclareWork = work.DeclareWork
        self.LeaseTasks = work.LeaseTasks
        self.WatchLeases = work.WatchLeases
        self.Heartbeat = work.Heartbeat
        self.CompleteTask = work.CompleteTask
        self.FailTask = work.FailTask
        self.ReleaseTask = work.ReleaseTask
        self.SubmitTask = submitted.SubmitTask
        self.GetSubmittedTasks = submitted.GetSubmittedTasks
        self.CancelSubmittedTask = submitted.CancelSubmittedTask
