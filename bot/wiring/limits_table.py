"""The limits of all that arrives, in one table: docs/reference/limits.md is made from it.

`python -m bot.wiring.limits_table` writes the table into the page. A limit stands in the code
where it is held; here is its name, and how it is told.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import TypeAlias

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "limits.md"
_MADE = re.compile(r"(<!-- limits: [^>]* -->\n)(.*?)(<!-- end of the limits -->)", re.DOTALL)

Unit: TypeAlias = str


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit of the table."""

    name: str
    place: str
    """`module:NAME` of a constant, or `module:Class.field` of a default."""
    unit: Unit
    """`B` for bytes; `s` for seconds; "" for a number; else the plural of what is counted."""
    told: str
    """How it is told to the other side, or what is done instead."""

    @property
    def value(self) -> float:
        """Raises ImportError or AttributeError for a place that is not there."""
        module, _, name = self.place.partition(":")
        owner, _, field = name.rpartition(".")
        if not owner:
            return float(resolve_name(self.place))
        kept = resolve_name(f"{module}:{owner}")
        default = getattr(kept, "__dataclass_fields__", {}).get(field)
        return float(default.default if default is not None else getattr(kept, field))


DROPPED = "dropped, counted, and a line in the log"

CALLERS = (
    LimitRow("a message of the page", "bot.calls.limits:Limits.message_bytes", "B", "1009"),
    LimitRow("audio, in seconds a second", "bot.calls.limits:Limits.audio_rate", "", DROPPED),
    LimitRow("audio at once", "bot.calls.limits:Limits.audio_burst_s", "s", DROPPED),
    LimitRow(
        "time that has passed, and whose audio may come later",
        "bot.calls.limits:Limits.audio_late_s",
        "s",
        DROPPED,
    ),
    LimitRow(
        "audio that goes on at over twice real time", "bot.calls.limits:Limits.flood_s", "s", "1008"
    ),
    LimitRow(
        "audio that waits for the ears, after a stall",
        "pipelines.core.hearing.inbox:SOUND_S",
        "s",
        "the newest is heard; RTVI `error`",
    ),
    LimitRow(
        "a stall of a client of ours that is no silence",
        "bot.calls.connection:SENDS_ALWAYS_STALL_S",
        "s",
        "it counts as silence",
    ),
    LimitRow(
        "a stall of others", "pipelines.core.hearing.intake:STALL_S", "s", "it counts as silence"
    ),
    LimitRow("other messages, in a second", "bot.calls.limits:Limits.control_per_s", "", "1008"),
    LimitRow(
        "reports of what was played that come at once",
        "bot.calls.limits:Limits.reports_burst",
        "",
        "1008",
    ),
    LimitRow(
        "a text that is typed",
        "bot.browser.codec:LONGEST_TYPED",
        "characters",
        "RTVI `error-response`",
    ),
    LimitRow(
        "all that is typed into one turn",
        "pipelines.core.turn.policy:LONGEST_TURN",
        "characters",
        "RTVI `error`",
    ),
    LimitRow(
        "a call's words that are remembered",
        "pipelines.core.memory.conversation:MOST_TOKENS",
        "tokens",
        "the oldest two thirds go",
    ),
    LimitRow(
        "its lines", "pipelines.core.memory.conversation:MOST_LINES", "", "the oldest two thirds go"
    ),
    LimitRow(
        "words that were cut and are not summed up",
        "pipelines.core.memory.conversation:MOST_CUT",
        "characters",
        "the oldest go",
    ),
    LimitRow("keys in one message", "bot.browser.codec:MAX_KEYS", "", "RTVI `error-response`"),
    LimitRow("`client-ready` after the socket", "bot.calls.limits:Limits.opening_s", "s", "1008"),
    LimitRow("silence of a client", "bot.calls.limits:Limits.idle_s", "s", "1008"),
    LimitRow("an answer to a ping", "bot.calls.limits:Limits.pong_s", "s", "1011"),
    LimitRow("a call", "bot.calls.limits:Limits.call_s", "s", "1008"),
    LimitRow("the wait for a client that dropped", "bot.calls.limits:Limits.return_s", "s", "1008"),
    LimitRow(
        "messages that a client does not read", "bot.calls.connection:OUTBOX_LIMIT", "", "1013"
    ),
    LimitRow("the same in bytes", "bot.calls.connection:OUTBOX_BYTES", "B", "1013"),
    LimitRow(
        "messages that a call has not come to", "pipelines.core.hearing.inbox:EVENTS", "", "1011"
    ),
)
STRANGERS = (
    LimitRow("a request, to its last byte", "bot.server.transport:REQUEST_S", "s", "cut off"),
    LimitRow("the body of `/start`", "bot.browser.door:BODY_LIMIT", "B", "413"),
    LimitRow("the resume key", "bot.browser.door:RESUME_KEY_LIMIT", "characters", "413"),
    LimitRow("tickets not used yet", "bot.server.access:TICKETS_LIMIT", "", "the oldest goes"),
    LimitRow("a webhook's form", "bot.phone.door:BODY_LIMIT", "B", "413"),
    LimitRow("its fields", "bot.phone.door:FIELDS_LIMIT", "", "413"),
    LimitRow(
        "signed media sockets that have not started", "bot.phone.waiting:SIGNED_WAITING", "", "503"
    ),
    LimitRow("their `start`", "bot.phone.waiting:SIGNED_START_S", "s", "1008"),
    LimitRow("unsigned ones", "bot.phone.waiting:UNSIGNED_WAITING", "", "503"),
    LimitRow("from one address", "bot.phone.waiting:UNSIGNED_PER_ADDRESS", "", "503"),
    LimitRow("the `start` of these", "bot.phone.waiting:UNSIGNED_START_S", "s", "1008"),
    LimitRow(
        "WebSocket frames of any kind, in a second",
        "bot.server.flow:WEBSOCKET_FRAMES_PER_S",
        "",
        "not read until then",
    ),
    LimitRow("frames at once", "bot.server.flow:WEBSOCKET_FRAMES_BURST", "", "not read until then"),
    LimitRow(
        "bytes over a WebSocket, in a second",
        "bot.server.flow:WEBSOCKET_BYTES_PER_S",
        "B",
        "not read until then",
    ),
    LimitRow("bytes at once", "bot.server.flow:WEBSOCKET_BYTES_BURST", "B", "not read until then"),
    LimitRow(
        "a client that reads nothing of what it is sent",
        "bot.server.flow:UNREAD_STUCK_S",
        "s",
        "cut off",
    ),
    LimitRow("an answer that is not read to its end", "bot.server.flow:UNREAD_S", "s", "cut off"),
    LimitRow(
        "answers kept for a client that does not read them",
        "bot.server.transport:UNSENT_BYTES",
        "B",
        "nothing more is read of it",
    ),
)
TELEPHONE = (
    LimitRow("a frame of audio", "bot.phone.codec:LONGEST_PAYLOAD", "B", "1009"),
    LimitRow("transfers at once", "bot.phone.line:MOST_TRANSFERS", "", "busy"),
)
TEXTS = (
    LimitRow("a request's body", "bot.texts.door:BODY_LIMIT", "B", "413"),
    LimitRow("its text, beside images", "bot.texts.door:TEXT_LIMIT", "B", "413"),
    LimitRow("the values in its JSON", "bot.texts.request:VALUES_LIMIT", "", "413"),
    LimitRow("its fields", "bot.texts.request:FIELDS_LIMIT", "", "400"),
    LimitRow("its messages", "bot.texts.request:MESSAGES_LIMIT", "", "400"),
    LimitRow(
        "parts of a message, tokens, words or names in one field",
        "bot.texts.request:LIST_LIMIT",
        "",
        "400",
    ),
    LimitRow("images", "bot.texts.request:IMAGES_LIMIT", "", "more count as text"),
    LimitRow("`user`", "bot.texts.request:USER_LIMIT", "characters", "400"),
    LimitRow("`max_tokens`", "bot.texts.request:TOKENS_LIMIT", "", "400"),
    LimitRow("pages that listen", "bot.texts.pages:PAGES_LIMIT", "", "429"),
    LimitRow("a client that reads nothing", "bot.texts.event_stream:STALLED_S", "s", "cut off"),
)
MODELS = (
    LimitRow(
        "a line, or a refusal",
        "pipelines.services.openai_client:LONGEST_LINE",
        "B",
        "the answer has failed",
    ),
    LimitRow(
        "an answer",
        "pipelines.services.llm.llm_answer:LONGEST_ANSWER",
        "characters",
        "it ends there, as at `max_tokens`",
    ),
    LimitRow(
        "an answer that is spoken",
        "pipelines.services.llm.llm_answer:LONGEST_ALOUD",
        "characters",
        "it ends at a whole sentence",
    ),
    LimitRow(
        "a body that is no stream",
        "pipelines.services.llm.llm_events:LONGEST_BODY",
        "characters",
        "the answer has failed",
    ),
    LimitRow(
        "the text of a tool's call, or of a thought",
        "pipelines.core.thinking.leaks:LONGEST_CALL",
        "characters",
        "it is dropped",
    ),
    LimitRow(
        "calls of tools in one answer",
        "pipelines.services.llm.llm_tool_calls:MOST_TOOL_CALLS",
        "",
        "the others are dropped",
    ),
    LimitRow(
        "calls of tools that are written as text",
        "pipelines.core.thinking.text_calls:MOST_CALLS",
        "",
        "the others are dropped",
    ),
    LimitRow(
        "such calls that are torn",
        "pipelines.core.thinking.text_calls:MOST_TORN",
        "",
        "the others are dropped",
    ),
    LimitRow(
        "a date in words, for a tool",
        "pipelines.services.tools.dates.resolving:LONGEST_PHRASE",
        "characters",
        "it is not understood",
    ),
    LimitRow(
        "a call's arguments",
        "pipelines.services.llm.llm_tool_calls:LONGEST_ARGUMENTS",
        "characters",
        "cut off",
    ),
    LimitRow(
        "clauses that wait for the voice",
        "pipelines.stages.speaking:MOST_CLAUSES",
        "",
        "the answer ends",
    ),
    LimitRow(
        "a clause",
        "pipelines.core.speaking.phrasing:LONGEST_CLAUSE",
        "characters",
        "it ends with the word",
    ),
    LimitRow(
        "a summary",
        "pipelines.core.memory.conversation:LONGEST_SUMMARY",
        "characters",
        "cut off",
    ),
)
SERVICES = (
    LimitRow(
        "an answer of the ears, and a refusal of any of them",
        "pipelines.services.openai_client:LONGEST_LINE",
        "B",
        "it has failed",
    ),
    LimitRow(
        "the text, and its tokens",
        "pipelines.stages.hearing:LONGEST_HEARD",
        "characters",
        "cut off",
    ),
    LimitRow("other readings of it", "pipelines.stages.hearing:MOST_ALTERNATIVES", "", "left out"),
    LimitRow(
        "sound for a clause",
        "pipelines.services.tts.postprocessor:LEAST_SOUND_S",
        "s",
        "cut off, and a line in the log",
    ),
    LimitRow(
        "and more for each character of it",
        "pipelines.services.tts.postprocessor:CHARACTER_S",
        "s",
        "the same",
    ),
    LimitRow(
        "sound of a reply before it is played",
        "pipelines.stages.playing:MOST_AHEAD_S",
        "s",
        "the voice waits",
    ),
    LimitRow("a sound's header", "pipelines.audio.pcm_stream:LONGEST_HEADER", "B", "it has failed"),
    LimitRow(
        "a tool's result", "pipelines.core.memory.tools:LONGEST_RESULT", "characters", "cut off"
    ),
    LimitRow(
        "tools that run in one call", "pipelines.core.memory.toolbox:MOST_RUNNING", "", "refused"
    ),
    LimitRow(
        "things not yet written into recordings",
        "bot.recordings.recorder:QUEUE_LIMIT",
        "",
        "counted as `lost`",
    ),
)
TABLE: dict[str, Sequence[LimitRow]] = {
    "A client of the page, or a call": CALLERS,
    "Anybody, before a call": STRANGERS,
    "The telephone": TELEPHONE,
    "Texts": TEXTS,
    "A language model": MODELS,
    "Ears, voices, tools and recordings": SERVICES,
}


def written(row: LimitRow) -> str:
    """The limit for people: "64 KiB", "2 s", "1,024"."""
    value = row.value
    if row.unit == "B":
        for size, name in ((2**20, "MiB"), (2**10, "KiB")):
            if value >= size and value % size == 0:
                return f"{value / size:,.0f} {name}"
        return f"{value:,.0f} bytes"
    return (
        f"{value:,.6g} {row.unit}".rstrip() if value < 1e6 else f"{value:,.0f} {row.unit}".rstrip()
    )


def table() -> str:
    """The page's part that is made from the code."""
    parts = []
    for heading, rows in TABLE.items():
        lines = [
            f"| {row.name} | {written(row)} | {row.told} | `{row.place.replace(':', '.')}` |"
            for row in rows
        ]
        head = "| what | at most | told with, or done | where |\n| --- | --- | --- | --- |"
        parts.append("\n".join((f"### {heading}\n", head, *lines, "")))
    return "\n".join(parts) + "\n"


def with_table(page: str) -> str:
    """The page with the table as the code has it. Raises ValueError where that has no place."""
    made, count = _MADE.subn(lambda found: f"{found[1]}\n{table()}{found[3]}", page)
    if count != 1:
        raise ValueError("the page has no place for the table")
    return made


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
