"""The sums of users equal a count of the stored traces at any moment."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

import psycopg
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.store.rows import clear_tables, put
from tests.support.traces.records import T0, span, trace_record
from tracer.extensions import db
from tracer.store.metrics.no_user import sums_without_user
from tracer.store.query.selection import ALL
from tracer.store.rollups import fold, users
from tracer.store.schema import traces
from tracer.store.users.over_time import users_over_time
from tracer.store.users.sums import user_sums, user_sums_of_traces
from tracer.store.users.users import list_users, users_absent
from tracer.store.writing.delete import delete_traces
from tracer.times import from_micros

HOUR = 3_600_000_000
TRACES = st.sampled_from(["t1", "t2", "t3"])
SPANS = st.builds(
    lambda trace, name, hours, level: span(
        f"{trace}{name}",
        trace=trace,
        start_time=T0 + hours * HOUR,
        end_time=T0 + hours * HOUR + 5,
        level=level,
        usage={"input": 3} if name == "a" else {},
    ),
    *(TRACES, st.sampled_from("ab"), st.sampled_from([0, 1, 20, 26, 50])),
    st.sampled_from(["default", "error"]),
)
CLAIMS = st.builds(
    lambda trace, version, fields: trace_record(trace=trace, version=T0 + version, **fields),
    *(TRACES, st.integers(0, 9)),
    st.fixed_dictionaries(
        {},
        optional={
            "user_id": st.sampled_from(["u", "v", None]),
            "session_id": st.sampled_from(["s1", "s2", None]),
        },
    ),
)
STEPS = SPANS | CLAIMS | TRACES | st.sampled_from(["fold", "fold", "upgrade"])
FEW = settings(
    max_examples=10,
    # Shrinking takes minutes, and drawn steps are readable as they are.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def take(connection: psycopg.Connection[Any], step: Any) -> None:
    """Store a record, delete a trace, fold, or count some of the users from before."""
    if step == "fold":
        fold.fold(connection)
    elif step == "upgrade":
        users.count_some(connection)
    elif isinstance(step, str):
        delete_traces(connection, "default", [step])
        connection.execute("DELETE FROM tombstones")
        connection.commit()
    else:
        put(connection, step)


def sums(table: sa.Subquery) -> list[Any]:
    """Return the rows of a table of users, by their ids."""
    columns = [table.c[name] for name in sorted(table.c.keys())]
    return list(db.session.execute(sa.select(*columns).order_by(table.c.user_id)))


def check(*hours: int) -> int:
    """Compare the sums with a count, of all traces and since some times; return their number."""
    for since in (None, *(from_micros(T0 + each * HOUR) for each in hours)):
        assert sums(user_sums("default", since)) == sums(user_sums_of_traces("default", since))
        all_users = list_users("default", since=since).items
        assert list_users("default", limit=1, since=since).items == all_users[:1]
    for since in (None, from_micros(T0 // users.DAY * users.DAY)):
        assert sums_without_user("default", since) == users_absent("default", since)
    number = len(sums(user_sums("default")))
    db.session.rollback()
    return number


def check_bars() -> None:
    """Compare the users of each interval with a count of the stored traces."""
    rows = db.session.execute(
        sa.select(traces.c.user_id, traces.c.start_time, traces.c.status == "error").where(
            traces.c.user_id.is_not(None)
        )
    ).all()
    begin = from_micros(T0 // users.DAY * users.DAY)
    for width in (timedelta(days=1), timedelta(days=2), timedelta(hours=1)):
        active, failed = defaultdict(set), defaultdict(set)
        for user_id, start, has_failed in rows:
            number = (start - begin) // width
            active[number].add(user_id)
            if has_failed:
                failed[number].add(user_id)
        shown = users_over_time("default", ALL, None, begin, width)
        counts = {(bar.start - begin) // width: (bar.count, bar.errors) for bar in shown.bars}
        assert counts == {n: (len(own), len(failed[n])) for n, own in active.items()}
        assert shown.total.count == len({user_id for user_id, *_ in rows})
    db.session.rollback()


def clear(connection: psycopg.Connection[Any], *, older: bool) -> None:
    """Empty the tables; ``older``: as if the traces were from before the sums of users."""
    clear_tables(connection)
    for name in ("rollups", "rollup_changes", "user_days", "users", "background_upgrades"):
        connection.execute(f"DELETE FROM {name}".encode())
    if older:
        connection.execute(
            "INSERT INTO background_upgrades (name, position, rows_total)"
            " VALUES ('users', ARRAY['', ''], 1)"
        )
    connection.commit()


@FEW
@given(steps=st.lists(STEPS, min_size=4, max_size=14), older=st.booleans(), hour=st.integers(0, 60))
def test_sums_of_users_of_random_histories_are_a_count_of_the_traces(
    app: Flask,
    connection: psycopg.Connection[Any],
    *,
    steps: list[Any],
    older: bool,
    hour: int,
) -> None:
    clear(connection, older=older)
    with app.app_context():
        for step in steps:
            take(connection, step)
            check(hour)
        check_bars()
        while users.count_some(connection):
            pass
        fold.fold(connection)
        stored = connection.execute("SELECT count(*) FROM users").fetchone()
        connection.commit()
        assert stored == (check(0, 24, hour),)


def test_users_from_before_are_counted_step_by_step(
    app: Flask, connection: psycopg.Connection[Any], database_url: str
) -> None:
    for number in range(3):
        for day in range(3):
            trace = f"t{number}{day}"
            start = T0 + day * 24 * HOUR
            put(
                connection,
                span(f"{trace}s", trace=trace, start_time=start, end_time=start + 7),
                trace_record(trace=trace, user_id=f"u{number}", session_id=f"s{number}{day % 2}"),
            )
    fold.fold(connection)
    clear_sums(connection)
    users.count_all(database_url, lambda _: False)
    with app.app_context():
        assert check(0, 24, 30) == 3
        table = user_sums("default", from_micros(T0) - timedelta(days=1))
        counts = db.session.execute(sa.select(table.c.trace_count, table.c.session_count)).all()
        assert counts == [(3, 2)] * 3
        db.session.rollback()


def clear_sums(connection: psycopg.Connection[Any]) -> None:
    """Delete the sums, which have to be counted again."""
    connection.execute("DELETE FROM users")
    connection.execute("DELETE FROM user_days")
    connection.execute(
        "INSERT INTO background_upgrades (name, position, rows_total)"
        " VALUES ('users', ARRAY['', ''], 1)"
    )
    connection.commit()
