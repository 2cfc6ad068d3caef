"""Can a model be asked whether a turn is over? Found out by two turns of which that is plain."""

from collections.abc import Sequence
from contextlib import aclosing

from pipelines.core.thinking.turn_marks import INSTRUCTION
from pipelines.services.protocols import (
    ChatMessage,
    Finished,
    LanguageModel,
    Sampling,
    TextDelta,
)

COMPLETE = "What time do you close on Saturdays?"
INCOMPLETE = "Hello, yes, I would like to book a table for"
_BEFORE = (ChatMessage("user", "Hello?"), ChatMessage("assistant", "How can I help you?"))
_SAMPLING = Sampling(max_tokens=24, temperature=0.0, aloud=True, judges_turn=True)


async def judges_turns(llm: LanguageModel, system_prompt: str) -> bool:
    """True if it answers a question, and says of half a sentence that it is incomplete.

    Raises ServiceError where it does not answer at all.
    """
    begun = (ChatMessage("system", system_prompt), *_BEFORE)
    return await _answers(llm, begun, COMPLETE) and not await _answers(llm, begun, INCOMPLETE)


async def _answers(llm: LanguageModel, begun: Sequence[ChatMessage], said: str) -> bool:
    stream = llm.stream([*begun, ChatMessage("user", INSTRUCTION + said)], _SAMPLING)
    text, finished = "", None
    async with aclosing(stream):
        async for delta in stream:
            match delta:
                case TextDelta():
                    text += delta.text
                case Finished():
                    finished = delta
    return bool(text.strip()) and finished is not None and not finished.turn_incomplete
