"""Metrics of the queue to the language model, and of its answers."""

from collections.abc import Iterator

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import Metric

from bot.server.telemetry import SECONDS
from bot.texts.queueing import Queue, RequestKind

RATES = (1, 2, 4, 6, 8, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 400)
"""Tokens a second: from an 8B model on a CPU to a small one on an H100."""

WAITS = (0.001, *SECONDS, 10.0, 20.0, 40.0, 80.0)
"""A text may wait longer than any turn."""


class QueueMetrics:
    """A collector: `Metrics.include` takes it. Each label `kind` is "call" or "text"."""

    def __init__(self) -> None:
        kind = ["kind"]
        self._waiting = Gauge(
            "halfsecond_queue_waiting", "Requests that wait for the model.", kind, registry=None
        )
        self._served = Gauge(
            "halfsecond_queue_served", "Requests that the model is at.", kind, registry=None
        )
        self._wait = Histogram(
            "halfsecond_queue_wait_seconds",
            "From asking until the request went to the model.",
            kind,
            registry=None,
            buckets=WAITS,
        )
        self._first_token = Histogram(
            "halfsecond_answer_first_token_seconds",
            "From the request to the first text of the answer, without the queue.",
            kind,
            registry=None,
            buckets=SECONDS,
        )
        self._rate = Histogram(
            "halfsecond_answer_tokens_per_second",
            "Of one answer, from its first token to its last.",
            kind,
            registry=None,
            buckets=RATES,
        )
        self._answers = Counter(
            "halfsecond_answers", "Answers by how they ended.", ["kind", "outcome"], registry=None
        )
        self._cancelled = Counter(
            "halfsecond_answers_cancelled",
            "Requests whose client left, by where it was.",
            ["kind", "where"],
            registry=None,
        )
        for each in RequestKind:
            self._waiting.labels(each.value).set(0)
            self._served.labels(each.value).set(0)

    def collect(self) -> Iterator[Metric]:
        for metric in (
            self._waiting,
            self._served,
            self._wait,
            self._first_token,
            self._rate,
            self._answers,
            self._cancelled,
        ):
            yield from metric.collect()

    def queue_is(self, queue: Queue) -> None:
        for kind in RequestKind:
            self._waiting.labels(kind.value).set(queue.waiting(kind))
            self._served.labels(kind.value).set(queue.served(kind))

    def waited(self, kind: RequestKind, seconds: float) -> None:
        self._wait.labels(kind.value).observe(seconds)

    def began(self, kind: RequestKind, first_token_s: float) -> None:
        self._first_token.labels(kind.value).observe(first_token_s)

    def ended(self, kind: RequestKind, outcome: str) -> None:
        """outcome: finished, failed, cut off (it gave way to a call), refused."""
        self._answers.labels(kind.value, outcome).inc()

    def paced(self, kind: RequestKind, tokens: int, seconds: float) -> None:
        if tokens > 1 and seconds > 0:
            self._rate.labels(kind.value).observe((tokens - 1) / seconds)

    def cancelled(self, kind: RequestKind, where: str) -> None:
        """where: waiting, served."""
        self._cancelled.labels(kind.value, where).inc()
        self.ended(kind, "cancelled")
