"""Rules, masks and log handlers of the application may use the SDK, and nothing hangs or loops."""

from __future__ import annotations

from tests.support.otlp_receiver import Receiver
from tests.support.programs import run_watched


def test_a_rule_that_records_spans_is_not_called_for_them(receiver: Receiver) -> None:
    printed = run_watched(
        """
        for _ in range(50):
            with tracer.span("root"): pass
        print("called", calls)
        """,
        receiver,
        "sample=0, tail=tracer.Tail(keep=lambda spans: keep(spans))"
        ")\ncalls = 0\n"
        "def keep(spans):\n"
        "    global calls\n"
        "    calls += 1\n"
        "    with tracer.span('judging'): return len(spans) == 1\n"
        "(",
    )
    assert "called 50" in printed
    assert receiver.names() == ["root"] * 50


def test_masks_may_record_spans_and_flush(receiver: Receiver) -> None:
    printed = run_watched(
        """
        with tracer.span("root", input="secret"): pass
        start = time.monotonic()
        assert tracer.flush(20)
        print("masked", len(masked), "in time", time.monotonic() - start < 10)
        """,
        receiver,
        "flush_seconds=60, running=False, mask=lambda field, value: mask(field, value)"
        ")\nmasked = []\n"
        "@tracer.observe\n"
        "def mask(field, value):\n"
        "    masked.append(field)\n"
        "    tracer.event('masking')\n"
        "    tracer.flush(20)\n"
        "    trace.get_tracer('x').start_span('theirs').end()\n"
        "    return 'hidden'\n"
        "(",
    )
    assert "masked 1 in time True" in printed
    assert receiver.names() == ["root"]


def test_a_log_handler_may_record_spans_and_fail(receiver: Receiver) -> None:
    printed = run_watched(
        """
        class Handler(logging.Handler):
            records = 0
            def emit(self, record):
                Handler.records += 1
                tracer.event("logged")
                with tracer.span("logged", start_time="never"): raise RuntimeError

        logging.getLogger("tracer.sdk").addHandler(Handler())
        for _ in range(100):
            with tracer.span("span", start_time="yesterday"): pass
            tracer.flush()
        def fail(*_): raise RuntimeError
        tracer._client.state.client.sink.on_end = fail
        for _ in range(100):
            with tracer.span("span"): pass
        print("records", Handler.records, "dropped", sum(tracer.dropped().values()) > 0)
        """,
        receiver,
        "flush_seconds=60, max_queue_spans=2",
    )
    records = int(printed.split("records ")[1].split()[0])
    assert 0 < records <= 60
    assert "dropped True" in printed


def test_a_full_queue_is_logged_once_by_whatever_thread(receiver: Receiver) -> None:
    printed = run_watched(
        """
        class Handler(logging.Handler):
            threads = []
            def emit(self, record):
                Handler.threads.append(threading.current_thread().name)
                for _ in range(20): tracer.event("logged")

        logging.getLogger("tracer.sdk").addHandler(Handler())
        for _ in range(100): tracer.event("event")
        assert Handler.threads == []
        tracer.flush()
        print("records", len(Handler.threads))
        """,
        receiver,
        "flush_seconds=60, max_queue_spans=5",
    )
    assert "records 1" in printed
