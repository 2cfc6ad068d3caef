"""A language model that fails, in the ears of who asked it."""

from collections.abc import Iterable, Sequence

import pytest
from structlog.testing import capture_logs

from pipelines.core.exchange import AnswerMeasured, Typed
from pipelines.services.protocols import ChatMessage, FailureDetails, FailureKind, ServiceError
from pipelines.words import ENGLISH
from tests.pipelines.services.scripted import Step, paced
from tests.pipelines.stages.rehearsal import does, rehearse, says

QUESTION = "what time is it?"
DOWN = ServiceError("llm", "scripted", retryable=True)
COLD_ERROR = ServiceError(
    "llm", "scripted", retryable=True, trouble=FailureDetails(kind=FailureKind.COLD)
)


@pytest.mark.parametrize(
    ("begun", "heard"),
    [
        ("It is exactly noon. And then", "It is exactly noon."),
        ("Sure, it is exactly", f"Sure, it is exactly {ENGLISH.apology}"),
    ],
)
def test_an_answer_that_breaks_off_ends_at_its_sentence_or_says_sorry(
    begun: str, heard: str
) -> None:
    done = rehearse(says(1.0, QUESTION), answers=lambda m: [*paced(begun), (0.1, DOWN)])
    assert done.heard_text == heard
    assert done.lines[-1] == ("assistant", heard)
    assert done.states[-1] == "listening"


def test_one_that_is_still_loading_says_so() -> None:
    done = rehearse(says(1.0, QUESTION), answers=lambda m: [(0.1, COLD_ERROR)], until_s=8.0)
    assert done.heard_text == ENGLISH.cold


def test_a_conversation_that_does_not_fit_is_cut_and_asked_again() -> None:
    long = ServiceError(
        "llm", "400", retryable=False, trouble=FailureDetails(kind=FailureKind.TOO_LONG)
    )

    def answers(messages: Sequence[ChatMessage]) -> Iterable[Step]:
        return [(0.1, long)] if len(messages) > 2 else paced("It is noon.")

    done = rehearse(says(1.0, QUESTION), says(5.0, "and now?"), answers=answers)
    assert done.heard_text == "It is noon. It is noon."
    assert [len(request) for request in done.llm.requests][-2:] == [4, 2]


def test_a_question_that_alone_is_too_long_is_asked_to_its_end_and_that_is_logged() -> None:
    long = ServiceError(
        "llm", "400", retryable=False, trouble=FailureDetails(kind=FailureKind.TOO_LONG)
    )
    question = "I will tell you all of it. " * 40 + "So what time is it?"
    asked: list[str] = []

    def answers(messages: Sequence[ChatMessage]) -> Iterable[Step]:
        asked.append(messages[-1].content)
        return [(0.1, long)] if len(asked[-1]) > 800 else paced("It is noon.")

    with capture_logs() as logs:
        done = rehearse(does(1.0, Typed(question)), answers=answers)

    assert done.heard_text == "It is noon."
    assert asked[0] == question
    assert asked[-1] != question
    assert asked[-1].endswith("So what time is it?")
    told = [line for line in logs if line["event"].startswith("the question alone is more")]
    assert [line["asked"] for line in told] == [len(one) for one in asked[1:]]
    assert question not in str(logs)


@pytest.mark.parametrize(
    ("most_characters", "heard", "requests"), [(3_000, "It is noon.", 6), (0, ENGLISH.apology, 9)]
)
def test_a_question_is_cut_as_often_as_it_takes_or_fails_as_too_long_and_not_for_its_tools(
    most_characters: int, heard: str, requests: int
) -> None:
    long = ServiceError(
        "llm", "400", retryable=False, trouble=FailureDetails(kind=FailureKind.TOO_LONG)
    )

    def answers(messages: Sequence[ChatMessage]) -> Iterable[Step]:
        is_long = len(messages[-1].content) > most_characters
        return [(0.1, long)] if is_long else paced("It is noon.")

    question = "I will tell you all of it. " * 400 + "So what time is it?"
    with capture_logs() as logs:
        done = rehearse(does(1.0, Typed(question)), answers=answers)

    assert done.heard_text == heard
    assert len(done.llm.requests) == requests
    failed = [line for line in logs if line["event"] == "the language model failed"]
    assert [str(long) in line["error"] for line in failed] == [True] * (heard == ENGLISH.apology)


def test_the_ledger_and_the_log_have_the_answers_figures() -> None:
    done = rehearse(says(1.0, QUESTION), until_s=8.0)
    (measured,) = [item for _, item in done.sent if isinstance(item, AnswerMeasured)]
    assert measured.facts["turn"] == 1
    assert measured.facts["llm_first_token_s"] == pytest.approx(0.15)
    assert measured.facts["llm_tokens"] == 6
    assert measured.facts["llm_tokens_per_s"] == pytest.approx(1 / 0.025, rel=0.01)
    facts = done.rows[0]["facts"]
    assert isinstance(facts, dict)
    assert facts["llm_first_token_s"] == pytest.approx(0.15)
