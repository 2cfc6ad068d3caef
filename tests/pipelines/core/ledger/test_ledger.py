import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.events import Stage
from pipelines.core.ledger.budget import SEGMENTS, Budget
from pipelines.core.ledger.ledger import Kind, Ledger, LedgerRow, Milestone

MILESTONES: tuple[Milestone, ...] = get_args(Milestone)
IN_ORDER: dict[Milestone, float] = {
    "speech_ended": 10.0,
    "pause_over": 10.2,
    "transcript_final": 10.25,
    "committed": 10.26,
    "first_token": 10.41,
    "first_clause": 10.45,
    "first_audio": 10.47,
    "sent": 10.475,
    "played": 10.495,
}


def ledger_of(marks: dict[Milestone, float], reply_id: int | None = None) -> Ledger:
    ledger = Ledger()
    for milestone, at_s in marks.items():
        ledger.mark(1, milestone, at_s, reply_id)
    return ledger


def closed(ledger: Ledger) -> LedgerRow:
    row = ledger.close(1)
    assert row is not None
    return row


def segments_ms(row: LedgerRow) -> list[float]:
    return [row.segments_us[segment] / 1000 for segment in SEGMENTS]


def test_the_segments_of_a_plain_turn_add_up_to_the_wait() -> None:
    row = closed(ledger_of(IN_ORDER))

    assert segments_ms(row) == [200, 50, 10, 150, 40, 20, 5, 20]
    assert row.voice_to_voice_us == 495_000
    assert row.end_measured_at == "client"


def test_work_done_before_the_commit_has_no_length_but_is_named() -> None:
    ledger = ledger_of(
        IN_ORDER | {"first_token": 10.21, "first_clause": 10.23, "first_audio": 10.24}
    )
    ledger.span(1, "llm", 10.06, 11.9)
    ledger.span(1, "tts", 10.23, 10.30)
    row = closed(ledger)

    assert segments_ms(row) == [200, 50, 10, 0, 0, 0, 215, 20]
    assert row.hidden_us["llm_first_token"] == 150_000
    assert row.hidden_us["tts_first_audio"] == 10_000


def test_work_half_done_at_the_commit_is_half_hidden() -> None:
    ledger = ledger_of(IN_ORDER)
    ledger.span(1, "llm", 10.20, 10.41)
    row = closed(ledger)

    assert row.hidden_us["llm_first_token"] == 60_000
    assert row.segments_us["llm_first_token"] == 150_000


def test_of_repeated_transcriptions_the_last_is_what_would_have_been_waited_for() -> None:
    ledger = ledger_of(IN_ORDER | {"transcript_final": 10.1})
    ledger.span(1, "stt", 9.0, 9.6)
    ledger.span(1, "stt", 9.6, 9.95)
    ledger.span(1, "stt", 10.03, 10.1)
    row = closed(ledger)

    assert row.segments_us["stt"] == 0
    assert row.hidden_us["stt"] == 70_000


def test_without_news_from_the_client_the_wait_ends_at_the_socket() -> None:
    row = closed(ledger_of({k: v for k, v in IN_ORDER.items() if k != "played"}))

    assert row.end_measured_at == "socket"
    assert row.segments_us["played"] == 0
    assert row.voice_to_voice_us == 475_000


def test_only_the_first_sound_of_the_answer_ends_the_wait() -> None:
    ledger = ledger_of(IN_ORDER)
    ledger.mark(1, "sent", 12.0)
    ledger.mark(1, "played", 12.1)

    assert closed(ledger).voice_to_voice_us == 495_000


@pytest.mark.parametrize("missing", ["sent", "speech_ended"])
def test_without_a_beginning_or_an_end_there_is_no_row(missing: str) -> None:
    marks = {k: v for k, v in IN_ORDER.items() if k not in (missing, "played")}

    assert ledger_of(marks).close(1) is None


@pytest.mark.parametrize("missing", MILESTONES[1:7])
def test_a_milestone_that_never_came_has_no_length(missing: Milestone) -> None:
    row = closed(ledger_of({k: v for k, v in IN_ORDER.items() if k != missing}))

    assert segments_ms(row)[MILESTONES.index(missing) - 1] == 0
    assert row.voice_to_voice_us == 495_000


def test_an_answer_begun_anew_is_measured_by_its_last_beginning() -> None:
    ledger = ledger_of(IN_ORDER | {"first_token": 10.1, "first_clause": 10.12})
    ledger.mark(1, "first_token", 10.41)
    ledger.mark(1, "first_clause", 10.45)

    assert segments_ms(closed(ledger)) == [200, 50, 10, 150, 40, 20, 5, 20]


def test_news_of_a_withdrawn_reply_changes_nothing_even_if_it_is_late() -> None:
    ledger = ledger_of(IN_ORDER, reply_id=2)
    ledger.mark(1, "first_token", 10.44, reply_id=1)
    ledger.span(1, "llm", 10.05, 10.44, reply_id=1)
    ledger.span(1, "llm", 10.26, 10.41, reply_id=2)
    row = closed(ledger)

    assert segments_ms(row) == [200, 50, 10, 150, 40, 20, 5, 20]
    assert row.hidden_us["llm_first_token"] == 0
    assert [span.withdrawn for span in row.spans] == [True, False]
    assert row.facts["withdrawn_replies"] == 1


def test_a_turn_that_went_on_begins_at_the_last_end_of_speech() -> None:
    ledger = ledger_of(IN_ORDER, reply_id=1)
    for milestone, at_s in IN_ORDER.items():
        ledger.mark(1, milestone, at_s + 5, None if milestone == "speech_ended" else 2)
    row = closed(ledger)

    assert segments_ms(row) == [200, 50, 10, 150, 40, 20, 5, 20]


def test_marks_after_the_release_belong_to_no_answer_yet() -> None:
    ledger = ledger_of(IN_ORDER)
    ledger.mark(1, "speech_ended", 11.0)
    ledger.mark(1, "transcript_final", 11.2)

    assert segments_ms(closed(ledger)) == [200, 50, 10, 150, 40, 20, 5, 20]


def test_the_wait_that_no_span_covers_is_unattributed() -> None:
    ledger = ledger_of(IN_ORDER)
    ledger.span(1, "stt", 9.9, 10.1)
    ledger.span(1, "endpointing", 10.05, 10.2, "wait")
    ledger.span(1, "llm", 10.26, 10.46)
    ledger.span(1, "play", 10.48, 12.0)

    assert closed(ledger).unattributed_us == 60_000 + 20_000


def test_a_filler_is_drawn_and_explains_nothing() -> None:
    ledger = ledger_of(IN_ORDER)
    ledger.span(1, "tts", 10.0, 10.495, "filler")
    row = closed(ledger)

    assert [span.kind for span in row.spans] == ["filler"]
    assert row.unattributed_us == row.voice_to_voice_us == 495_000
    assert not any(row.hidden_us.values())


def test_spans_are_drawn_from_the_end_of_speech() -> None:
    ledger = ledger_of(IN_ORDER)
    ledger.span(1, "llm", 10.05, 10.41)
    ledger.span(1, "stt", 9.9, 10.02)
    ledger.span(1, "stt", 7.0, 8.9)

    spans = closed(ledger).as_dict()["spans"]

    assert spans == [
        {"stage": "stt", "start_s": -0.1, "end_s": 0.02, "kind": "busy", "withdrawn": False},
        {"stage": "llm", "start_s": 0.05, "end_s": 0.41, "kind": "busy", "withdrawn": False},
    ]


def test_a_row_is_json_with_its_facts_and_its_verdict() -> None:
    ledger = ledger_of(IN_ORDER)
    ledger.note(1, "llm_model", "tiny")
    ledger.note(1, "prompt_tokens", 12)
    written = json.loads(json.dumps(closed(ledger).as_dict()))

    assert written["turn"] == 1
    assert written["voice_to_voice_s"] == 0.495
    assert list(written["segments"]) == list(SEGMENTS)
    assert written["segments"]["endpointing"] == 0.2
    assert written["verdict"] == {
        "stage": "endpointing",
        "over_s": 0.01,
        "text": "endpointing overspent by 10 ms, the whole within budget",
    }
    assert written["facts"] == {"llm_model": "tiny", "prompt_tokens": 12, "withdrawn_replies": 0}


def test_the_budget_is_the_ledgers_own() -> None:
    ledger = Ledger(Budget(endpointing_s=0.3, transport_s=0.03))
    for milestone, at_s in IN_ORDER.items():
        ledger.mark(1, milestone, at_s)

    assert closed(ledger).verdict.text == "within budget"


def test_a_closed_turn_is_forgotten_and_late_news_of_it_is_dropped() -> None:
    ledger = ledger_of(IN_ORDER)
    closed(ledger)
    for milestone, at_s in IN_ORDER.items():
        ledger.mark(1, milestone, at_s)

    assert ledger.close(1) is None


def test_turns_that_nobody_closes_do_not_pile_up() -> None:
    ledger = Ledger()
    for turn_id in range(100):
        for milestone, at_s in IN_ORDER.items():
            ledger.mark(turn_id, milestone, at_s)
            ledger.span(turn_id, "stt", at_s, at_s)

    assert [turn_id for turn_id in range(100) if ledger.close(turn_id)] == list(range(92, 100))


# ---- whatever comes, in whatever order ----

TIMES = st.floats(0, 3, allow_nan=False).map(lambda s: s + 1e5)
REPLIES = st.sampled_from([None, 1, 2])
MARKS = st.lists(st.tuples(st.sampled_from(MILESTONES), TIMES, REPLIES), max_size=20)
SPANS = st.lists(
    st.tuples(
        st.sampled_from(get_args(Stage)), TIMES, TIMES, st.sampled_from(get_args(Kind)), REPLIES
    ),
    max_size=12,
)


@given(MARKS, SPANS)
def test_the_segments_always_add_up_and_none_is_negative(
    marks: list[tuple[Milestone, float, int | None]],
    spans: list[tuple[Stage, float, float, Kind, int | None]],
) -> None:
    ledger = Ledger()
    ledger.mark(1, "speech_ended", 1e5)
    ledger.mark(1, "sent", 1e5 + 2)
    for mark in marks:
        ledger.mark(1, *mark)
    for span in spans:
        ledger.span(1, *span)
    row = ledger.close(1)
    if row is None:
        starts = [at_s for milestone, at_s, _ in marks if milestone == "speech_ended"]
        assert starts or any(milestone in ("sent", "played") for milestone, _, _ in marks)
        return

    assert tuple(row.segments_us) == SEGMENTS
    assert min(row.segments_us.values()) >= 0
    assert sum(row.segments_us.values()) == row.voice_to_voice_us
    assert 0 <= row.unattributed_us <= row.voice_to_voice_us
    assert min(row.hidden_us.values()) >= 0
    assert all(span.start_us <= span.end_us for span in row.spans)


@given(st.permutations(list(IN_ORDER)), st.permutations(range(3)))
def test_the_order_in_which_facts_arrive_is_of_no_account(
    order: list[Milestone], places: list[int]
) -> None:
    spans: list[tuple[Stage, float, float]] = [
        ("llm", 10.1, 10.4),
        ("stt", 9.9, 10.2),
        ("tts", 10.4, 10.5),
    ]
    ledger = Ledger()
    for milestone in order:
        ledger.mark(1, milestone, IN_ORDER[milestone])
    for place in places:
        ledger.span(1, *spans[place])
    same = ledger_of(IN_ORDER)
    for span in spans:
        same.span(1, *span)

    assert closed(ledger) == closed(same)
