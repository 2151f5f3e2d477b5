"""The only place that reads a clock. Everything that decides takes `as_of` or `now` as a value."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the one clock


def city_day(moment: datetime, timezone: str) -> date:
    """The calendar day of a moment in the city's time zone."""
    return moment.astimezone(ZoneInfo(timezone)).date()
