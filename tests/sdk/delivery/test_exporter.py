"""Whatever the server does, the application runs on, and all that fits the buffer arrives."""

from __future__ import annotations

import gzip
import logging
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tracer.sdk as tracer
from tests.support.http import free_port
from tests.support.otlp_receiver import Receiver, hang, raw, receiving, reset, status
from tests.support.waiting import wait_until
from tracer.sdk._client import state
from tracer.sdk._config import Config
from tracer.sdk._delivery.buffer import Batch
from tracer.sdk._delivery.sender import Sender

QUICK = {"flush_seconds": 0.01, "exit_seconds": 2.0}


@tracer.observe
def double(number: int) -> int:
    return 2 * number


def work(count: int) -> list[int]:
    return [double(number) for number in range(count)]


def ids(receiver: Receiver) -> Counter[bytes]:
    return Counter(span.span_id for span in receiver.ended())


def test_spans_arrive_compressed_with_key_and_resource(receiver: Receiver) -> None:
    tracer.init(receiver.url, "secret", service="shop", environment="test", release="1.2")
    assert work(3) == [0, 2, 4]
    assert tracer.flush()
    assert receiver.names() == ["double"] * 3
    sent = receiver.headers[0]
    assert sent["authorization"] == "Bearer secret"
    assert sent["content-type"] == "application/x-protobuf"
    assert sent["content-encoding"] == "gzip"


def test_spans_arrive_by_themselves(receiver: Receiver) -> None:
    tracer.init(receiver.url, **QUICK)
    work(2)
    wait_until(lambda: len(receiver.ended()) == 2)


def test_an_endpoint_may_be_given_with_its_path(receiver: Receiver) -> None:
    tracer.init(f"{receiver.url}/v1/traces", headers={"X-Team": "search"})
    work(1)
    assert tracer.flush()
    assert receiver.names() == ["double"]
    assert receiver.headers[0]["x-team"] == "search"


def test_a_server_that_is_down_at_first_receives_everything_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    later = Receiver()
    later.port = free_port()
    tracer.init(later.url, **QUICK)
    with caplog.at_level(logging.WARNING, "tracer.sdk"):
        assert work(1_000) == [2 * number for number in range(1_000)]
        wait_until(lambda: "can't take spans" in caplog.text, "the warning")
    assert len(caplog.records) == 1, caplog.text
    with receiving(later), caplog.at_level(logging.WARNING, "tracer.sdk"):
        assert tracer.flush()
        tracer.shutdown()
    assert len(ids(later)) == 1_000
    assert [record.message for record in caplog.records[1:]] == [f"{later.url} answers again"]


@pytest.mark.usefixtures("receiver")
def test_a_server_that_restarts_receives_everything() -> None:
    mortal = Receiver()
    with receiving(mortal):
        tracer.init(mortal.url, **QUICK)
        work(10)
        assert tracer.flush()
    assert len(ids(mortal)) == 10
    assert work(500)[-1] == 998
    assert not tracer.flush(0.3)
    with receiving(mortal):
        assert tracer.flush()
        tracer.shutdown()
    assert len(ids(mortal)) == 510


@pytest.mark.parametrize(
    "behaviour",
    [
        status(429, 2, Retry_After="0"),
        status(503, 2, Retry_After="0"),
        status(502, 1),
        status(500, 1),
        raw(b"\x00\xff\x00 garbage\r\n\r\n", 2),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort", 1),
        reset(2),
    ],
    ids=["429", "503", "502", "500", "garbage", "short", "reset"],
)
def test_a_batch_that_was_not_taken_is_sent_again_unchanged(
    receiver: Receiver, behaviour: Callable[[Any], bool]
) -> None:
    receiver.behaviour = behaviour
    tracer.init(receiver.url, **QUICK)
    assert work(300) == [2 * number for number in range(300)]
    wait_until(lambda: len(ids(receiver)) == 300, "recovery")
    assert set(ids(receiver).values()) == {1}
    assert receiver.requests[0] == receiver.requests[1]
    assert tracer.dropped() == {}


def test_every_batch_is_retried_five_times_after_status_500(receiver: Receiver) -> None:
    receiver.behaviour = status(500, 100)
    sender = Sender(Config(receiver.url))
    for name in (b"first", b"second", b"third"):
        batch = Batch("spans", 1, gzip.compress(name))
        outcomes = [sender.send(batch, 10)]
        while outcomes[-1].retry:
            outcomes.append(sender.send(batch, 10))
        assert len(outcomes) == 1 + 5
        assert outcomes[-1].refused == 1
    sender.close()


def test_a_retry_waits_as_long_as_the_server_asks(receiver: Receiver) -> None:
    receiver.behaviour = status(429, 1, Retry_After="1")
    tracer.init(receiver.url, **QUICK)
    work(1)
    wait_until(lambda: receiver.ended())
    first, second = receiver.times[:2]
    assert second - first >= 1


def test_a_status_of_200_acknowledges_whatever_the_body_is(
    receiver: Receiver,
) -> None:
    receiver.behaviour = lambda handler: handler.answer(200, b"<html>welcome</html>") or True
    tracer.init(receiver.url, flush_seconds=60)
    work(5)
    assert tracer.flush()
    assert len(receiver.requests) == 1


def test_a_server_that_hangs_does_not_delay_the_application(receiver: Receiver) -> None:
    receiver.behaviour = hang
    tracer.init(receiver.url, timeout_seconds=60, exit_seconds=0.1, flush_seconds=0.01)
    work(1)
    wait_until(lambda: receiver.requests, "the request that hangs")
    # These calls end while the request still waits for its answer.
    assert work(2_000)[-1] == 3_998
    assert not tracer.flush(0.05)
    assert len(receiver.requests) == 1
    receiver.behaviour = None
    receiver.released.set()
    assert tracer.flush()
    assert len(ids(receiver)) == 2_001


def test_refused_spans_are_dropped_counted_and_logged_once(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.behaviour = status(401, 2)
    tracer.init(receiver.url, "wrong", flush_seconds=60)
    for _ in range(2):
        work(1)
        assert tracer.flush()
    work(1)
    assert tracer.flush()
    assert len(receiver.ended()) == 1
    assert tracer.dropped() == {"the server refused them": 2}
    assert len([r for r in caplog.records if "401" in r.message]) == 1


def test_a_span_that_is_refused_while_it_runs_is_sent_again_at_its_end(
    receiver: Receiver,
) -> None:
    receiver.behaviour = status(401, 1)
    tracer.init(receiver.url, "not yet", flush_seconds=60)
    with tracer.span("long"):
        assert tracer.flush()
        assert len(receiver.requests) == 1
    assert tracer.flush()
    assert receiver.names() == ["long"]
    assert tracer.dropped() == {}


def test_spans_that_do_not_fit_are_dropped_counted_and_logged_once(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.behaviour = hang
    tracer.init(receiver.url, max_queue_spans=100, flush_seconds=0.01, running=False)
    work(1)
    wait_until(lambda: receiver.requests, "the request that hangs")
    assert work(1_000)[-1] == 1_998
    assert tracer.dropped() == {"the queue is full": 900}
    receiver.behaviour = None
    receiver.released.set()
    assert tracer.flush()
    assert len(ids(receiver)) == 101
    dropped = [record for record in caplog.records if "dropped" in record.message]
    assert [record.message for record in dropped] == [
        "spans are dropped, because the queue is full; this is logged once"
    ]


@pytest.mark.parametrize("value", [object(), {1, 2}, b"\xff"], ids=["object", "set", "bytes"])
def test_a_span_or_score_that_cannot_be_encoded_costs_no_other(
    receiver: Receiver, value: object
) -> None:
    tracer.init(receiver.url, flush_seconds=60, running=False)
    tracer.score("odd", value, trace_id="f" * 32)  # type: ignore[arg-type]
    tracer.score("even", 1, trace_id="f" * 32)
    with tracer.span("odd") as span:
        span.set_attribute("odd", value)
    work(2)
    assert tracer.flush()
    assert receiver.names().count("double") == 2
    assert [score["name"] for score in receiver.scores] == ["odd", "even"]
    assert sum(tracer.dropped().values()) == 3 - len(receiver.ended())


def test_the_bytes_of_waiting_batches_are_limited() -> None:
    tracer.init(f"http://127.0.0.1:{free_port()}", max_buffer_bytes=2_000_000, flush_seconds=60)
    exporter = state.client.sink
    for _ in range(30):
        work(500)
        assert not tracer.flush(0.2)
    waiting: int = exporter._buffer.bytes  # type: ignore[union-attr]
    assert waiting <= 2_000_000
    tracer.shutdown(0.1)


def test_a_running_span_is_sent_and_again_at_its_end(receiver: Receiver) -> None:
    tracer.init(receiver.url, **QUICK)
    with tracer.agent("long", input="question") as span:
        wait_until(lambda: receiver.running(), "the running span")
        assert receiver.ended() == []
    assert tracer.flush()
    running, ended = receiver.running()[0], receiver.ended()[0]
    assert running.span_id == ended.span_id == bytes.fromhex(span.span_id)
    assert running.start_time_unix_nano == ended.start_time_unix_nano
    assert {pair.key for pair in running.attributes} == {"tracer.kind", "tracer.input"}


def test_no_running_span_is_sent_where_that_is_switched_off(receiver: Receiver) -> None:
    tracer.init(receiver.url, running=False, **QUICK)
    with tracer.agent("long"):
        work(1)
        wait_until(lambda: receiver.ended())
        assert tracer.flush()
    assert tracer.flush()
    assert receiver.running() == []


def test_no_span_is_lost_of_many_threads(receiver: Receiver) -> None:
    tracer.init(receiver.url, **QUICK)
    threads = [threading.Thread(target=work, args=(500,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tracer.flush()
    assert len(ids(receiver)) == 4_000
    assert set(ids(receiver).values()) == {1}


def test_a_spool_keeps_batches_until_the_next_start(tmp_path: Path) -> None:
    later = Receiver()
    later.port = free_port()
    tracer.init(later.url, spool=tmp_path / "spool", **QUICK)
    work(300)
    tracer.shutdown(0.5)
    files = list((tmp_path / "spool").glob("*.otlp"))
    assert files
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
    with receiving(later):
        # The next start of the application.
        tracer.init(later.url, spool=tmp_path / "spool", **QUICK)
        assert tracer.flush()
        tracer.shutdown()
    assert len(ids(later)) == 300
    assert set(ids(later).values()) == {1}
    assert not list((tmp_path / "spool").glob("*.otlp"))


def test_a_full_spool_raises_nothing(tmp_path: Path) -> None:
    later = Receiver()
    later.port = free_port()
    tracer.init(later.url, spool=tmp_path / "spool", max_spool_bytes=10, **QUICK)
    work(10)
    tracer.shutdown(0.2)
    assert not list((tmp_path / "spool").glob("*.otlp"))


def test_scores_arrive_beside_the_spans(receiver: Receiver) -> None:
    tracer.init(receiver.url, **QUICK)
    with tracer.span("answer") as span:
        tracer.score("helpful", True, comment="short")
    tracer.score("stars", 4, trace_id="f" * 32)
    assert tracer.flush()
    first, second = receiver.scores
    assert (first["name"], first["value"], first["comment"]) == ("helpful", True, "short")
    assert first["trace_id"] == span.trace_id
    assert (second["value"], second["trace_id"]) == (4, "f" * 32)
    assert first["id"] != second["id"]
