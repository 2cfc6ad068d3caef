"""Several endpoints as one language model: who fails, or is too slow, is not waited for.

An answer is held until its first clause can be spoken; until then another endpoint may take its
place without a trace. `core.failover` decides who is asked and when; here it is done.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from pipelines.core.speaking.phrasing import Phraser
from pipelines.core.thinking.failover import Ask, Health, Hedge, Patience, Race
from pipelines.services.protocols import (
    AS_SET,
    AnswerSource,
    ChatMessage,
    Delta,
    FailureDetails,
    FailureKind,
    Finished,
    LanguageModel,
    PromptCache,
    Sampling,
    ServiceError,
    TextDelta,
)

log = structlog.get_logger(__name__)


class Endpoint(LanguageModel, PromptCache, Protocol):
    @property
    def name(self) -> str:
        """For the log and the metrics."""
        ...

    @property
    def may_be_cold(self) -> bool:
        """Its silence may be that of one that is still loading."""
        ...


class FailoverLanguageModel:
    """`LanguageModel` and `PromptCache`. The first endpoint is preferred."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        patience: Patience | None = None,
        hedge: Hedge = "auto",
    ) -> None:
        self._endpoints = endpoints
        self._healths = [Health() for _ in endpoints]
        self._patience = patience or Patience()
        self._hedge = hedge

    async def open(self) -> None:
        for endpoint in self._endpoints:
            await endpoint.open()

    async def close(self) -> None:
        for endpoint in self._endpoints:
            await endpoint.close()

    async def stream(
        self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET
    ) -> AsyncGenerator[Delta, None]:
        """Its first text, or its end, says where it came from."""
        async with aclosing(_Question(self, messages, sampling)) as question:
            source = await question.answered()
            first = True
            async with aclosing(question.rest()) as rest:
                async for delta in rest:
                    told = first or isinstance(delta, Finished)
                    yield replace(delta, source=source) if told else delta
                    first = False

    async def warm(self, messages: Sequence[ChatMessage], sampling: Sampling = AS_SET) -> None:
        """Only the endpoint that would be asked next."""
        if (endpoint := self._preferred()) is not None:
            await endpoint.warm(messages, sampling)

    async def count(self, text: str) -> int | None:
        return await self._endpoints[0].count(text)

    def race(self, waited_s: float) -> Race:
        now = asyncio.get_running_loop().time()
        return Race(self._healths, self._patience, self._hedge, now, waited_s)

    def endpoint(self, at: int) -> Endpoint:
        return self._endpoints[at]

    def _preferred(self) -> Endpoint | None:
        now = asyncio.get_running_loop().time()
        well = (h.may_be_asked(now) for h in self._healths)
        return next((e for e, is_well in zip(self._endpoints, well, strict=True) if is_well), None)


@dataclass(eq=False)
class _Attempt:
    ask: Ask
    endpoint: Endpoint
    stream: AsyncGenerator[Delta, None]
    aloud: bool
    held: list[Delta] = field(default_factory=list)
    phraser: Phraser = field(default_factory=Phraser)
    first_s: float | None = None
    is_ready: bool = False
    """Something of it can be spoken, or all of it is there."""

    def take(self, delta: Delta) -> None:
        """Raises ServiceError for the end of an answer that is to be heard, and cannot be."""
        if isinstance(delta, TextDelta):
            if delta.anew:
                self.phraser = Phraser()
                self.held.clear()
            self.is_ready = bool(self.phraser.feed(delta.text))
        else:
            is_answer = delta.turn_incomplete or delta.tool_calls
            if self.aloud and not (is_answer or self.phraser.finish()):
                raise ServiceError("llm", "an answer without a spoken word", retryable=True)
            self.is_ready = True
        self.held.append(delta)


class _Question:
    """One race, run: attempts as tasks that each hold their answer's beginning."""

    def __init__(
        self, model: FailoverLanguageModel, messages: Sequence[ChatMessage], sampling: Sampling
    ) -> None:
        self._model = model
        self._messages = messages
        self._sampling = sampling
        self._race = model.race(sampling.waited_s)
        self._attempts: list[_Attempt] = []
        self._winner: _Attempt | None = None
        self._failure: ServiceError | None = None
        self._news = asyncio.Event()

    async def answered(self) -> AnswerSource:
        """Until somebody has something to say. Raises ServiceError where nobody has."""
        async with asyncio.TaskGroup() as tasks:
            leads: list[asyncio.Task[None]] = []
            while self._winner is None and not self._race.is_over(self._now()):
                while (ask := self._race.next(self._now())) is not None:
                    leads.append(tasks.create_task(self._lead(self._begin(ask))))
                if self._race.is_over(self._now()):
                    break
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(self._race.deadline()):
                        await self._news.wait()
                self._news.clear()
            for lead in leads:
                lead.cancel()
        winner = self._winner
        self._race.close(None if winner is None else winner.ask.attempt, self._now())
        if winner is None or winner.first_s is None:
            raise self._counted(self._hopeless())
        for attempt in self._attempts:
            if attempt is not winner:
                await attempt.stream.aclose()
        reasons = [attempt.ask.reason for attempt in self._attempts]
        return AnswerSource(
            endpoint=winner.endpoint.name,
            first_token_s=winner.first_s,
            requests=len(reasons),
            retries=reasons.count("retry") + reasons.count("fallback"),
            hedges=reasons.count("hedge"),
        )

    async def rest(self) -> AsyncGenerator[Delta, None]:
        """The winner's answer, from its beginning."""
        assert self._winner is not None
        for delta in self._winner.held:
            yield delta
        try:
            async for delta in self._winner.stream:
                yield delta
        except ServiceError as error:
            self._fail(self._winner, error)
            raise

    async def aclose(self) -> None:
        self._race.close(None, self._now(), wanted=False)
        for attempt in self._attempts:
            await attempt.stream.aclose()

    def _begin(self, ask: Ask) -> _Attempt:
        endpoint = self._model.endpoint(ask.endpoint)
        stream = endpoint.stream(self._messages, self._sampling)
        attempt = _Attempt(ask, endpoint, stream, self._sampling.aloud)
        self._attempts.append(attempt)
        if ask.reason != "first":
            log.info("the language model is asked again", endpoint=endpoint.name, why=ask.reason)
        return attempt

    async def _lead(self, attempt: _Attempt) -> None:
        """Reads what an attempt says until there is something to speak."""
        try:
            async for delta in attempt.stream:
                if attempt.first_s is None:
                    attempt.first_s = self._now()
                    self._race.spoke(attempt.ask.attempt, attempt.first_s)
                attempt.take(delta)
                if attempt.is_ready:
                    self._winner = self._winner or attempt
                    break
        except ServiceError as error:
            self._fail(attempt, error)
        finally:
            self._news.set()

    def _fail(self, attempt: _Attempt, error: ServiceError) -> None:
        self._failure = error
        trouble = error.trouble
        if trouble.param:
            at, field = attempt.endpoint.name, trouble.param
            log.info("an endpoint refuses a field of a request", endpoint=at, field=field)
        else:
            log.warning("an endpoint failed", endpoint=attempt.endpoint.name, error=str(error))
        self._race.failed(
            attempt.ask.attempt,
            self._now(),
            retryable=error.retryable and not trouble.cold,
            ill=not trouble.refused,
            retry_after_s=trouble.retry_after_s,
        )

    def _hopeless(self) -> ServiceError:
        if self._failure is not None:
            return self._failure
        if not self._attempts:
            return ServiceError("llm", "every endpoint rests", retryable=True)
        cold = any(a.endpoint.may_be_cold for a in self._attempts if a.first_s is None)
        trouble = FailureDetails(kind=FailureKind.COLD if cold else FailureKind.ILL)
        message = "no answer yet: cold" if cold else "too slow"
        return ServiceError("llm", message, retryable=True, trouble=trouble)

    def _counted(self, error: ServiceError) -> ServiceError:
        error.trouble = replace(error.trouble, requests=len(self._attempts))
        return error

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
