"""Nothing hangs: signal handlers and destructors may use the SDK at any point inside it.

Each program runs in a process of its own with a watchdog, so that a hang is a failure that shows
where each thread stands.
"""

from __future__ import annotations

import textwrap

import pytest

from tests.support.otlp_receiver import Receiver
from tests.support.programs import run_watched

SCENES = {
    "a span": "with tracer.span('outer'): pass",
    "a failing span": """
        try:
            with tracer.span('outer'): raise LookupError
        except LookupError: pass
        """,
    "a score": "tracer.score('outer', 1, trace_id='f' * 32)",
    "a span of another library": """
        with trace.get_tracer('x').start_as_current_span('outer'): pass
        """,
    "an observed generator": "list(stream())",
    "a full queue": "for _ in range(3): tracer.event('outer')",
    "a flush": "tracer.event('outer')\ntracer.flush()",
    "the end": "tracer.event('outer')\ntracer.shutdown()",
    "a span that records nothing": "tracer.shutdown()\ntracer.span('outer').add_event('event')",
}
UNBOUNDED = "max_queue_spans=1_000_000"
KEEP = "lambda spans: bool(tracer.event('judged')) or True"
SETTINGS = {
    "no tail": UNBOUNDED,
    "tail": f"sample=0, tail=tracer.Tail(keep={KEEP}), {UNBOUNDED}",
    "small queue": "max_queue_spans=2",
}


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_sdk_may_be_interrupted_by_its_own_use_before_any_line(
    receiver: Receiver, settings: str
) -> None:
    scenes = {name: textwrap.dedent(scene) for name, scene in SCENES.items()}
    printed = run_watched(
        f"""
        @tracer.observe
        def stream():
            yield 1
            yield 2

        for name, scene in {scenes!r}.items():
            tracer.init({receiver.url!r}, {SETTINGS[settings]})
            client = tracer._client.state.client
            tracer.event("first")
            tracer.flush()
            recorded = 0
            # A hang shows where it is.
            print("scene:", name, file=sys.stderr, flush=True)
            with Interrupter(everything) as interrupter:
                exec(scene)
            tracer.flush()
            assert interrupter.calls > 10
            assert client.sink._queued_bytes == 0
            assert client.sampler.tail is None or client.sampler.tail._spans == 0
            if not client.sink.dropped:
                print(recorded, "recorded")
        """,
        receiver,
    )
    recorded = [int(line.split()[0]) for line in printed.splitlines() if "recorded" in line]
    if settings == "small queue":
        assert len(recorded) < len(SCENES)
    else:
        inner = {span.span_id for span in receiver.ended() if span.name == "inner"}
        assert len(inner) == sum(recorded)
        assert len(recorded) == len(SCENES)
        assert "judged" not in receiver.names()


@pytest.mark.parametrize("tail", [False, True])
def test_garbage_collections_may_end_spans_at_any_point(receiver: Receiver, tail: bool) -> None:
    settings = "sample=0, tail=tracer.Tail(keep=lambda spans: True)" if tail else ""
    run_watched(
        """
        @tracer.observe(name="abandoned")
        def stream():
            yield 1
            yield 2

        from opentelemetry.sdk.trace import SpanProcessor

        ended = []

        class Counter(SpanProcessor):
            def on_end(self, span):
                ended.append(span.name)

        trace.get_tracer_provider().add_span_processor(Counter())

        def abandon():
            # A cycle, which only a garbage collection can free.
            cycle = [stream()]
            cycle.append(cycle)
            next(cycle[0])

        def work():
            for _ in range(300):
                abandon()
                with tracer.span("span"):
                    tracer.event("event")

        gc.set_threshold(1, 1, 1)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        gc.set_threshold(700, 10, 10)
        # Another thread may be in the middle of a collection, which this one does not wait for.
        while len(ended) < 3_600:
            gc.collect()
        """,
        receiver,
        f"flush_seconds=0.01, {settings}",
    )
    names = receiver.names()
    assert {name: names.count(name) for name in set(names)} == {
        "abandoned": 1_200,
        "span": 1_200,
        "event": 1_200,
    }


def test_signals_threads_and_flushes_together_lose_nothing(receiver: Receiver) -> None:
    printed = run_watched(
        """
        sys.setswitchinterval(1e-5)
        handled = 0

        def handle(*_):
            global handled
            handled += 1
            with tracer.span("handled"):
                tracer.score("s", 1)
            if handled % 50 == 0:
                tracer.flush(0.01)
            # Only now: on a busy machine handlers would otherwise nest without end.
            signal.setitimer(signal.ITIMER_REAL, 0.0005 if working else 0)

        def work():
            for _ in range(500):
                with tracer.span("work"): pass

        signal.signal(signal.SIGALRM, handle)
        working = True
        signal.setitimer(signal.ITIMER_REAL, 0.0005)
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads: thread.start()
        ended = time.monotonic() + 2
        while time.monotonic() < ended:
            with tracer.span("main"): pass
            tracer.flush(0.5)
        for thread in threads: thread.join()
        working = False
        time.sleep(0.1)
        assert tracer.flush()
        print(handled, "handled", tracer.dropped())
        assert tracer._client.state.client.sink._queued_bytes == 0
        """,
        receiver,
        "flush_seconds=0.001",
    )
    handled = int(printed.split(" handled {}")[0].split()[-1])
    assert handled > 100
    # By ids: a flush of 0.01 seconds may end before the answer, and then its batch is sent again.
    spans = {span.span_id: span.name for span in receiver.ended()}
    assert list(spans.values()).count("work") == 1_500
    assert list(spans.values()).count("handled") == handled
    assert len({score["id"] for score in receiver.scores}) == handled
