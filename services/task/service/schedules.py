"""The use cases of schedules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from meshkit.preconditions import etag_mismatch
from services.task import errors
from services.task.domain.schedules import NewSchedule, Schedule, ScheduleChange
from services.task.domain.tasks import NONE
from services.task.ports import Admits, RevisionMismatchError, Schedules
from services.task.service.cron import next_run, zone_of

__all__ = ["ScheduleService", "check_times"]

SOME_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


class ScheduleService:
    """Keeps schedules. `tenant_id` is that of the verified caller."""

    def __init__(self, store: Schedules) -> None:
        self._store = store

    async def create(self, schedule: NewSchedule) -> Schedule:
        """Raises VALIDATION_FAILED and RESOURCE_EXISTS."""
        check_times(schedule.cron, schedule.time_zone)
        made = await self._store.create(schedule)
        if made is None:
            raise errors.schedule_exists()
        return made

    async def get(self, tenant_id: str, schedule_id: str) -> Schedule:
        """Raises RESOURCE_NOT_FOUND."""
        return _found(await self._store.get(tenant_id, schedule_id))

    async def page(self, tenant_id: str, after: str, limit: int) -> tuple[Sequence[Schedule], bool]:
        """Returns a page of at most `limit` schedules and whether there are more."""
        schedules = await self._store.page(tenant_id, after, limit + 1)
        return schedules[:limit], len(schedules) > limit

    async def update(
        self,
        tenant_id: str,
        schedule_id: str,
        change: ScheduleChange,
        revision: int | None = None,
        check: Callable[[Schedule], None] | None = None,
        admits: Admits | None = None,
    ) -> Schedule:
        """Raises VALIDATION_FAILED, RESOURCE_NOT_FOUND and ETAG_MISMATCH, and what `check` raises of the schedule."""
        if check is not None:
            check(await self.get(tenant_id, schedule_id))
        if change.cron is not NONE:
            check_times(change.cron, "UTC")
        if change.time_zone is not NONE:
            check_times("* * * * *", change.time_zone)
        try:
            return _found(await self._store.update(tenant_id, schedule_id, change, revision, admits))
        except RevisionMismatchError:
            raise etag_mismatch() from None

    async def delete(self, tenant_id: str, schedule_id: str, admits: Admits | None = None) -> None:
        """Raises RESOURCE_NOT_FOUND and ETAG_MISMATCH."""
        try:
            deleted = await self._store.delete(tenant_id, schedule_id, admits)
        except RevisionMismatchError:
            raise etag_mismatch() from None
        if not deleted:
            raise errors.schedule_not_found()


def check_times(cron: str, time_zone: str) -> None:
    """Raises VALIDATION_FAILED for times that cannot be computed or never come."""
    try:
        zone_of(time_zone)
    except ValueError as error:
        raise errors.invalid_field("time_zone", "time_zone.unknown", str(error)) from None
    try:
        following = next_run(cron, time_zone, SOME_MOMENT)
    except ValueError as error:
        raise errors.invalid_field("cron", "cron.malformed", str(error)) from None
    if following is None:
        raise errors.invalid_field("cron", "cron.never", "never comes")


def _found(schedule: Schedule | None) -> Schedule:
    if schedule is None:
        raise errors.schedule_not_found()
    return schedule
