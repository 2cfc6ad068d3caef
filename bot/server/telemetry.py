"""The operator's view: log lines without callers' words, and metrics without call ids."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, Literal, TextIO

import loguru
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from structlog.typing import EventDict, Processor, WrappedLogger

from pipelines.addresses import printable_in
from pipelines.core.exchange import AnswerMeasured, Caption, ToCaller, TurnMeasured

LogFormat = Literal["text", "json"]

PERSONAL: Final = frozenset(
    {"text", "words", "transcript", "answer", "heard", "caption", "digits", "prompt", "audio"}
)
"""Fields, at any depth, that hold what a caller said or heard. All other fields are ours alone."""

SECONDS: Final = (
    *(0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4),
    *(0.5, 0.65, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0),
)
"""Bucket bounds: fine around each stage's share of the half second, up to a missed turn's 5 s."""

LAGS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Bucket bounds of the loop's lag: 20 ms are a frame of sound."""

_LOGGED: Final = ("turn", "voice_to_voice_s", "segments", "unattributed_s")
"""The part of a ledger row in a log line."""

_log = structlog.get_logger(__name__)


# ---- logs ----


def configure_logs(stream: TextIO, *, log_format: LogFormat = "text", words: bool = False) -> None:
    """Send every log of the process to `stream`: ours, the standard library's, Pipecat's.

    Of others' logs only warnings. Call it before pipecat is imported: it greets on loguru.
    No line raises into the code that it is about, and none holds an address' password.
    """
    render: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=stream.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # the rich one shows locals
        )
    )
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([] if words else [redact]),
        structlog.processors.format_exc_info,
        without_passwords,
        render,
    ]
    structlog.configure(
        processors=[_Unfailing(steps)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(stream),
    )
    logging.basicConfig(handlers=[_Relay()], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    loguru.logger.remove()
    loguru.logger.add(_relay_loguru, level="WARNING", format="{message}")


def silence_pipecat() -> None:
    """Takes away Pipecat's own log, for a program that has none of `configure_logs`.

    It goes to standard error, begins when pipecat is imported, and takes most of a replay's time.
    """
    with suppress(ValueError):  # it is gone already
        loguru.logger.remove(0)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the value of each field in `PERSONAL` by its size."""
    return {name: _without_words(name, value) for name, value in event.items()}


def _without_words(name: object, value: object) -> object:
    if name in PERSONAL and value is not None:
        return f"[{len(value)} withheld]" if isinstance(value, str | bytes) else "[withheld]"
    if isinstance(value, Mapping):
        return {inner: _without_words(inner, item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_words(None, item) for item in value]
    return value


def without_passwords(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Addresses, at any depth, as they may be shown."""
    return {name: _with_printable_addresses(value) for name, value in event.items()}


def _with_printable_addresses(value: object) -> object:
    match value:
        case str():
            return printable_in(value)
        case Mapping():
            return {name: _with_printable_addresses(item) for name, item in value.items()}
        case list() | tuple():
            return [_with_printable_addresses(item) for item in value]
        case _:
            return value


class _Unfailing:
    """A line's way to its text. Where a step fails, a line says so in its place."""

    def __init__(self, steps: list[Processor]) -> None:
        self._steps = steps

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        line: Any = event
        try:
            for step in self._steps:
                line = step(logger, method, line)
        except Exception as error:  # noqa: BLE001 - a value's own __repr__ may raise anything
            return json.dumps({"event": "a log line failed", "reason": type(error).__name__})
        return str(line)


class _Relay(logging.Handler):
    """The standard library's records, uvicorn's among them."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            detail = record.getMessage()
        except Exception as error:  # noqa: BLE001 - its arguments do not fit
            detail = f"{record.msg} ({type(error).__name__})"
        _log.log(
            record.levelno,
            "a library reports",
            library=record.name,
            detail=detail,
            exc_info=record.exc_info,
        )


def _relay_loguru(message: "loguru.Message") -> None:
    """Pipecat's records, whose sentences can hold a caller's words."""
    record = message.record
    trouble = record["exception"]
    _log.log(
        record["level"].no,
        "a library reports",
        library=record["name"],
        line=record["line"],
        text=record["message"],
        exc_info=trouble and (trouble.type, trouble.value, trouble.traceback),
    )


# ---- metrics ----


class Metrics:
    """One app's, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._stage = Histogram(
            "halfsecond_stage_seconds",
            "Seconds that each stage added to the wait that the caller felt.",
            ["stage"],
            registry=registry,
            buckets=SECONDS,
        )
        self._voice_to_voice = Histogram(
            "halfsecond_voice_to_voice_seconds",
            "From the last sample of speech to the first audible sample of the answer.",
            registry=registry,
            buckets=SECONDS,
        )
        self._over_budget = Counter(
            "halfsecond_turns_over_budget",
            "Turns by the stage that overspent most.",
            ["stage"],
            registry=registry,
        )
        self._active = Gauge(
            "halfsecond_calls_active", "Calls under way.", ["door"], registry=registry
        )
        self._calls = Counter(
            "halfsecond_calls", "Calls that ended.", ["door", "outcome"], registry=registry
        )
        self._refused = Counter(
            "halfsecond_calls_refused", "Calls turned away.", ["reason"], registry=registry
        )
        self._dropped = Counter(
            "halfsecond_dropped_audio_seconds",
            "Callers' audio that was not listened to.",
            ["reason"],
            registry=registry,
        )
        self._loop_lag = Histogram(
            "halfsecond_loop_lag_seconds",
            "How late the event loop came to its work: measured always, 50 times a second.",
            registry=registry,
            buckets=LAGS,
        )
        Gauge("halfsecond_tasks", "Tasks of the event loop.", registry=registry).set_function(
            _tasks
        )
        self._answers = AnswerMetrics(registry)
        self._barge_ins = Counter(
            "halfsecond_barge_ins", "Answers cut off by the caller.", registry=registry
        )

    def include(self, collector: Collector) -> None:
        """Figures that somebody else keeps."""
        self._registry.register(collector)

    def call_began(self, door: str) -> None:
        self._active.labels(door).inc()

    def call_ended(self, door: str, outcome: str) -> None:
        self._active.labels(door).dec()
        self._calls.labels(door, outcome).inc()

    def refused(self, reason: str) -> None:
        self._refused.labels(reason).inc()

    def lagged(self, seconds: float) -> None:
        self._loop_lag.observe(seconds)

    def dropped_audio(self, seconds: float, reason: str) -> None:
        self._dropped.labels(reason).inc(seconds)

    def observe(self, request: ToCaller) -> None:
        """Takes note of something that a call sends."""
        match request:
            case TurnMeasured(row):
                told = {name: row.get(name) for name in _LOGGED} | _unmeasured(row)
                _log.info("turn measured", **told, overspent=_overspent(row))
                self.observe_turn(row)
            case AnswerMeasured(facts):
                _log.info("answer measured", **facts)
                self._answers.observe(facts)
            case Caption(speaker="bot", heard=str()):
                self._barge_ins.inc()
            case _:
                pass

    def observe_turn(self, row: Mapping[str, object]) -> None:
        """`row` is the ledger's: stages to seconds in `segments`, their sum beside it."""
        match row.get("voice_to_voice_s"):
            case float() | int() as seconds:
                self._voice_to_voice.observe(seconds)
            case _:
                pass
        match row.get("segments"):
            case Mapping() as segments:
                for stage, seconds in segments.items():
                    self._stage.labels(stage).observe(seconds)
            case _:
                pass
        if (stage := _overspent(row)) is not None:
            self._over_budget.labels(stage).inc()

    def text(self) -> bytes:
        """In Prometheus' exposition format."""
        return generate_latest(self._registry)


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:  # read from outside a loop
        return 0


class LostLines(Collector):
    """The metric of log lines that could not be written."""

    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count

    def collect(self) -> Iterator[CounterMetricFamily]:
        about = "Lines of the log that were dropped: its reader is gone or too slow."
        yield CounterMetricFamily("halfsecond_log_lines_dropped", about, value=self._count())


class AnswerMetrics:
    """Metrics of the language model's answers that were not withdrawn."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._first_token = Histogram(
            "halfsecond_llm_first_token_seconds",
            "From the question to the first token, retries included.",
            ["endpoint"],
            registry=registry,
            buckets=SECONDS,
        )
        self._pace = Histogram(
            "halfsecond_llm_tokens_per_second",
            "Between the first token and the last.",
            ["endpoint"],
            registry=registry,
            buckets=(5, 10, 15, 20, 30, 40, 60, 80, 120, 200, 400),
        )
        self._counters = {
            name: Counter(f"halfsecond_{name}", about, ["endpoint"], registry=registry)
            for name, about in _COUNTED.items()
        }

    def observe(self, facts: Mapping[str, str | int | float | bool | None]) -> None:
        endpoint = str(facts.get("llm_endpoint", "none"))
        for histogram, name in (
            (self._first_token, "llm_first_token_s"),
            (self._pace, "llm_tokens_per_s"),
        ):
            value = facts.get(name)
            if isinstance(value, int | float):
                histogram.labels(endpoint).observe(value)
        for name, counter in self._counters.items():
            value = facts.get(name)
            if isinstance(value, int):
                counter.labels(endpoint).inc(value)


_COUNTED: Final = {
    "llm_requests": "Requests made for answers, lost and failed ones included.",
    "llm_retries": "Requests made because one before failed or was too slow.",
    "llm_hedges": "Requests made beside one that was silent.",
    "llm_failed": "Answers that broke off, or never came.",
    "llm_prompt_tokens": "Tokens of prompts.",
    "llm_cached_tokens": "Tokens of prompts that the endpoint still had.",
    "llm_tokens": "Tokens of answers.",
}


def _unmeasured(row: Mapping[str, object]) -> dict[str, object]:
    """The part of the way that we cannot see, where there is one."""
    facts = row.get("facts")
    leg = facts.get("telephone_leg") if isinstance(facts, Mapping) else None
    return {"telephone_leg": leg} if leg else {}


def _overspent(row: Mapping[str, object]) -> str | None:
    match row.get("verdict"):
        case {"stage": str(stage)}:
            return stage
        case _:
            return None
