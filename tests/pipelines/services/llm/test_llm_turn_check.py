"""A model is tried out on a question and on half a sentence: can it judge turns?"""

from collections.abc import Sequence

import pytest

from pipelines.core.thinking.turn_marks import INSTRUCTION
from pipelines.services.llm.llm_turn_check import COMPLETE, INCOMPLETE, judges_turns
from pipelines.services.protocols import ChatMessage, Finished, ServiceError
from replay.virtual_time import run
from tests.pipelines.services.scripted import ScriptedLanguageModel, Step, paced

MARK: list[Step] = [(0.1, Finished("stop", turn_incomplete=True))]


def checked(complete: Sequence[Step], incomplete: Sequence[Step]) -> bool:
    def answer(messages: Sequence[ChatMessage]) -> Sequence[Step]:
        _, asked, words = messages[-1].content.rpartition(INSTRUCTION)
        assert asked
        return {COMPLETE: complete, INCOMPLETE: incomplete}[words]

    async def check() -> bool:
        llm = ScriptedLanguageModel(answer)
        await llm.open()
        found = await judges_turns(llm, "Be kind.")
        assert all(sampling.judges_turn for sampling in llm.samplings)
        return found

    return run(check())


def test_a_model_that_tells_the_two_apart_can_judge() -> None:
    assert checked(paced("At ten."), MARK)


@pytest.mark.parametrize(
    ("complete", "incomplete"),
    [
        (MARK, MARK),
        (paced("At ten."), paced("For how many?")),
        (MARK, paced("For how many?")),
        ([], MARK),
    ],
    ids=["always the mark", "never the mark", "the wrong way round", "says nothing"],
)
def test_one_that_does_not_cannot(complete: Sequence[Step], incomplete: Sequence[Step]) -> None:
    assert not checked(complete, incomplete)


def test_one_that_does_not_answer_is_not_known_yet() -> None:
    down: list[Step] = [(0.0, ServiceError("llm", "scripted", retryable=True))]
    with pytest.raises(ServiceError):
        checked(down, MARK)
