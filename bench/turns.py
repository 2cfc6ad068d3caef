"""Plays the suite at one or two servers, taking turns, in real time, one of them busy at a time."""

import asyncio
import enum
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import httpx2

from bench.peers.door import LineDoor
from bench.peers.environment import python_of
from bench.playlist import PlaylistItem
from bench.plays import Play, PlayConditions, failure, judge
from bench.servers import BenchEngine, Running, ServerError, free_port, running
from bot.settings.latency_profile import ProfileName
from client.caller.call import CallOptions, CallResult, place_call
from client.caller.conductor import Pacing
from client.caller.door import CallError, Door, PageDoor
from client.caller.telephone import TelephoneCaller

MODEL = "halfsecond-demo"
SIGNS_WITH = "bench"
EARLIER = "earlier"
"""The name of the other version of this project in a run against one."""
TtsName: TypeAlias = Literal["espeak", "hibari", "stub"]
Caller: TypeAlias = Literal["stock", "browser", "twilio"]

TURN = Pacing(lead_in_s=1.5, until_quiet_s=0.8, hear_s=0.5, answer_limit_s=6.0)
"""The answer begins: that is all there is to measure. A missed turn is waited for 5 s.
Nobody speaks at first: Pipecat's pipeline takes over a second to start, and is deaf until then."""
BACK_CHANNEL = replace(TURN, until_quiet_s=2.0, hear_s=1.0, answer_limit_s=3.0)
"""The bot goes on within 3 s, or it does not."""
SPACING_S = 0.25
"""Between the beginnings of calls at once."""
BREATH_S = 0.1
"""Between two plays, for what one server still had to tidy up."""
GIVE_UP_AFTER = 3
"""Failed calls in a row."""


class PeerName(enum.StrEnum):
    STOCK = "stock"
    LIVEKIT = "livekit"
    FASTRTC = "fastrtc"
    PROCESSOR = "processor"
    """Our own processor in a stock Pipecat bot, on its transport."""
    PAGE = "page"
    """Our own server called as by our page: the other door beside this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchPlan:
    """The measurements of one run."""

    profile: ProfileName = "fixed-150"
    peers: tuple[PeerName, ...] = (PeerName.STOCK,)
    ours: bool = True
    against: Path | None = None
    """A checkout of another version of this project, played beside this one."""
    calls: int = 1
    repeats: int = 1
    tts: TtsName = "espeak"
    tts_first_audio_ms: float = 0.0
    tts_cache_mb: int = 0
    """The cache of our server's voice. None by default: the answer is always the same, so it would
    be spoken once, and then always come from the cache.
    """
    caller: Caller = "stock"
    """The caller of our server: Pipecat's client, as at the peer, our page, or Twilio."""
    seed: int = 0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "against": self.against and str(self.against)}

    @property
    def servers(self) -> int:
        """How many take turns."""
        return len(self.peers) + self.ours + (self.against is not None)


@dataclass(slots=True)
class Contestant:
    server: Running
    options: CallOptions
    failures: int = 0


@dataclass(slots=True)
class Bench:
    """The servers under test and the LLM server that both of them ask, all running."""

    wanted: BenchPlan
    engine: BenchEngine
    contestants: list[Contestant] = field(default_factory=list)

    @property
    def said(self) -> dict[str, str]:
        """All that each server printed when it was ready: what is in use."""
        return {one.server.name: one.server.said for one in self.contestants}

    async def play(self, items: Sequence[PlaylistItem], tell: Callable[[list[Play]], None]) -> None:
        """Every batch at every server, each time beginning with another one.

        Raises ServerError if a server is gone, or fails GIVE_UP_AFTER times in a row.
        """
        for contestant in self.contestants:
            await self._batch(contestant, items[:1], 0)  # a first call is colder than the rest
        for number, (repeat, batch) in enumerate(self._batches(items)):
            turn = number % len(self.contestants)
            for contestant in self.contestants[turn:] + self.contestants[:turn]:
                tell(await self._batch(contestant, batch, repeat))

    def _batches(
        self, items: Sequence[PlaylistItem]
    ) -> Iterator[tuple[int, Sequence[PlaylistItem]]]:
        """In a new order for each repeat; only turns are played several at once."""
        for repeat in range(self.wanted.repeats):
            order = list(items)
            random.Random(f"{self.wanted.seed}/{repeat}").shuffle(order)
            turns = [item for item in order if item.role == "turn"]
            for batch in _batched(turns, self.wanted.calls):
                yield repeat, batch
            for item in order:
                if item.role != "turn":
                    yield repeat, [item]

    async def _batch(
        self, contestant: Contestant, items: Sequence[PlaylistItem], repeat: int
    ) -> list[Play]:
        contestant.server.check()
        run = PlayConditions(contestant.server.name, repeat, len(items))
        await self.engine.begin()
        results = await asyncio.gather(
            *(_call(contestant, item, SPACING_S * index) for index, item in enumerate(items))
        )
        requests = await self.engine.requests()
        plays: list[Play] = []
        first = next((one for one in results if isinstance(one, CallResult)), None)
        for item, result in zip(items, results, strict=True):
            if isinstance(result, CallResult):
                contestant.failures = 0
                plays.append(judge(item, result, run, requests if result is first else None))
            else:
                contestant.failures += 1
                plays.append(failure(item, str(result), run))
                if contestant.failures >= GIVE_UP_AFTER:
                    raise ServerError(f"{run.server}: {result}")
        await asyncio.sleep(BREATH_S)
        return plays


async def _call(
    contestant: Contestant, item: PlaylistItem, after_s: float
) -> CallResult | CallError:
    await asyncio.sleep(after_s)
    pacing = BACK_CHANNEL if item.role == "back-channel" else TURN
    options = replace(contestant.options, pacing=pacing)
    try:
        return await place_call(contestant.server.url, item.lines, options)
    except CallError as exc:
        return exc


def length_s(items: Sequence[PlaylistItem], wanted: BenchPlan) -> float:
    """About how long it takes to play them all."""
    around_s = TURN.lead_in_s + (TURN.hear_s or 0.0) + BREATH_S + 0.8  # the wait, and hanging up
    turns = [item for item in items if item.role == "turn"]
    others = [item for item in items if item.role != "turn"]
    one_by_one_s = sum(item.lasts_s + around_s for item in others)
    at_once_s = sum(
        max(item.lasts_s for item in batch) + around_s + SPACING_S * (len(batch) - 1)
        for batch in _batched(turns, wanted.calls)
    )
    return wanted.repeats * wanted.servers * (one_by_one_s + at_once_s)


@asynccontextmanager
async def bench(wanted: BenchPlan) -> AsyncIterator[Bench]:
    """Start everything; end it with the body, or when the process is told to end, which cancels
    this task. Raises ServerError.
    """
    running_here = asyncio.current_task()
    assert running_here is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running_here.cancel)
    engine_words = ["bench.engine", "--profile", wanted.profile, "--seed", str(wanted.seed)]
    async with (
        httpx2.AsyncClient(trust_env=False) as http,
        running("the LLM server", engine_words) as llm,
    ):
        made = Bench(wanted, BenchEngine(llm.url, http))
        async with AsyncExitStack() as started:
            page = PeerName.PAGE in wanted.peers
            for name in (one for one in wanted.peers if one is not PeerName.PAGE):
                peer = await started.enter_async_context(_peer(name, wanted, llm.url))
                made.contestants.append(peer)
            if wanted.ours or page:
                own = await started.enter_async_context(_own("ours", wanted, llm.url))
                if page:
                    options = CallOptions(door=PageDoor())
                    made.contestants.append(Contestant(replace(own, name="page"), options))
                if wanted.ours:
                    made.contestants.append(Contestant(own, CallOptions(door=_door(wanted.caller))))
            if wanted.against is not None:
                other = _own(EARLIER, wanted, llm.url, wanted.against)
                other_server = await started.enter_async_context(other)
                door = _door(wanted.caller)
                made.contestants.append(Contestant(other_server, CallOptions(door=door)))
            yield made


@asynccontextmanager
async def _own(
    name: str, wanted: BenchPlan, llm_url: str, checkout: Path | None = None
) -> AsyncIterator[Running]:
    """This project's server, of another checkout where one is named. Raises ServerError."""
    port = free_port()  # known before: it is in the address that Twilio signs
    words = ["bot", "serve", "--port", str(port), "--host", "127.0.0.1"]
    settings = {
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "TWILIO_AUTH_TOKEN": SIGNS_WITH,
        "PHONE_GREETING": "",
        "LLM_BASE_URL": llm_url,
        "LLM_MODEL": MODEL,
        "LLM_WARM": "false",  # the engine has no cache, and what it was asked is counted
        "TTS_ENGINE": wanted.tts,
        "TTS_CACHE_MB": str(wanted.tts_cache_mb),
        "TTS_STUB_FIRST_AUDIO_S": str(wanted.tts_first_audio_ms / 1000),
        "MAX_CALLS": str(wanted.calls + 1),  # one may still be hanging up
        "CALLS_PER_ADDRESS": str(wanted.calls + 1),
    }
    if checkout is None:
        async with running(name, words, settings) as server:
            yield server
        return
    of_its_own = checkout / ".venv" / "bin" / "python"
    python = of_its_own if of_its_own.exists() else None
    async with running(name, words, settings, python, checkout) as server:
        yield server


@asynccontextmanager
async def _peer(name: PeerName, wanted: BenchPlan, llm_url: str) -> AsyncIterator[Contestant]:
    """Raises ServerError."""
    words = ["--llm-url", llm_url, "--model", MODEL]
    if name is PeerName.STOCK:
        first_audio = str(wanted.tts_first_audio_ms)
        words += ["--tts", wanted.tts, "--tts-first-audio-ms", first_audio]
        async with running(name, ["bench.stock_pipecat", *words]) as server:
            yield _stock(server, wanted.caller)
        return
    if wanted.tts != "espeak" or wanted.caller == "twilio":
        raise ServerError(f"{name} is measured with espeak's voice and over no telephone")
    if name is PeerName.PROCESSOR:
        async with running(name, ["bench.pipecat_bot", *words]) as server:
            yield Contestant(server, CallOptions(door=_door("stock")))
        return
    async with running(
        name, [f"bench.peers.{name}.serve", *words], python=python_of(name)
    ) as server:
        yield Contestant(server, CallOptions(door=LineDoor()))


def _door(caller: Caller) -> Door:
    if caller == "twilio":
        return TelephoneCaller(auth_token=SIGNS_WITH)
    return PageDoor(stock=caller == "stock")


def _stock(server: Running, caller: Caller) -> Contestant:
    if caller == "twilio":
        url = server.url.removesuffix("/ws") + "/twilio"
        return Contestant(replace(server, url=url), CallOptions(door=_door("twilio")))
    return Contestant(server, CallOptions(door=_door("stock")))


def _batched(items: Sequence[PlaylistItem], size: int) -> Iterator[list[PlaylistItem]]:
    for first in range(0, len(items), size):
        yield list(items[first : first + size])
