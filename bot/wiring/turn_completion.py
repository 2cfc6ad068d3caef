"""Decides if the language model is asked about a turn: as it is set, or as the model turns out."""

import structlog

from bot.settings.model import TurnCompletion
from pipelines.services.llm.llm_turn_check import judges_turns
from pipelines.services.protocols import LanguageModel, ServiceError

_log = structlog.get_logger(__name__)


class TurnCompletionCheck:
    """One for the process. Used from its event loop only."""

    def __init__(self, wanted: TurnCompletion, system_prompt: str, *, is_demo: bool) -> None:
        """The demo engine answers by rule, and is never asked."""
        self._is_decided = wanted != "auto" or is_demo
        self._is_used = wanted == "on" and not is_demo
        self._system_prompt = system_prompt

    @property
    def is_used(self) -> bool:
        """For a call that begins now; False until it is known."""
        return self._is_used

    @property
    def is_decided(self) -> bool:
        """False while the endpoint has not answered."""
        return self._is_decided

    async def check(self, llm: LanguageModel) -> None:
        """Decides, unless it is decided or the endpoint does not answer."""
        if self._is_decided:
            return
        try:
            self._is_used = await judges_turns(llm, self._system_prompt)
        except ServiceError as error:
            _log.warning("whether the model can judge turns is not known yet", error=str(error))
        else:
            self._is_decided = True
            _log.info("LLM_TURN_COMPLETION=auto", in_use=self._is_used)
