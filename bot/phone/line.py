"""One telephone call's line: its stream's socket, and Twilio's REST API where the stream ends."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import structlog

from bot.calls.connection import ConnectedCall, NewCall, Send
from bot.calls.errors import PeerError
from bot.calls.farewell import HUNG_UP
from bot.calls.limits import Limits
from bot.calls.websocket import Socket
from bot.phone import twiml
from bot.phone.codec import Start, TwilioCodec
from bot.phone.rest import TwilioError, TwilioRest
from bot.phone.waiting import SIGNED_START_S
from pipelines.cascade import CallFormat
from pipelines.core.announcements import Announcements
from pipelines.core.exchange import Say
from pipelines.core.memory.tools import Afterwards, Tool, tool
from pipelines.words import ENGLISH
from pipelines.words.phrases import Phrases

MESSAGES_TO_START = 8
"""Twilio sends two."""

LEAD_S = 0.18
"""How far ahead of the clock Twilio is sent audio: it is to hold 200 ms at most, whatever the way
does to the first frame.
"""

IDLE_S = 20.0
"""Without a message from Twilio, which sends sound all of the time: the network may stand still for
15 s.
"""

LAST_WORDS_S = 60.0
"""Beyond its limit, for a call in which somebody is speaking: then it is cut off."""

MOST_TRANSFERS = 8
"""Transfers that wait to be carried out; more are refused."""

FACTS = {"telephone_leg": "not measured"}
"""In every ledger row: an answer has been played when Twilio says so, which is not the ear."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TelephoneConfig:
    """The operator's decisions about the telephone."""

    auth_token: str = ""
    account_sid: str = ""
    public: str = ""
    """The address at which Twilio reaches us, a path included: its signatures are over that."""
    api_base_url: str = "https://api.twilio.com"
    transfers: Mapping[str, str] = field(default_factory=dict)
    """Names that the model may hand a call on to, and their numbers (E.164)."""
    announcements: Announcements = field(default_factory=Announcements)
    phrases: Phrases = ENGLISH

    @property
    def is_open(self) -> bool:
        return not self.lacks

    def rest(self) -> TwilioRest:
        """The account's calls and numbers; `close` is owed."""
        return TwilioRest(self.api_base_url, self.account_sid, self.auth_token)

    @property
    def lacks(self) -> str:
        """The settings without which the door is shut, in words; empty if it is open."""
        given = {"TWILIO_AUTH_TOKEN": self.auth_token, "PUBLIC_BASE_URL": self.public}
        return " and ".join(name for name, value in given.items() if not value)

    @property
    def in_words(self) -> str:
        if self.lacks:
            return f"off: set {self.lacks} (docs/guide/phone.md)"
        return f"Twilio, by its webhook {self.public}/twilio/voice"

    @property
    def socket_base(self) -> str:
        """TwiML and signatures know wss only, also of a server that is tried out without TLS."""
        return "wss" + self.public.removeprefix("https").removeprefix("http")

    def limits(self, limits: Limits) -> Limits:
        """Limits of a phone call: Twilio never falls silent, never comes back, and echoes marks."""
        call_s = self.announcements.call_s
        return replace(
            limits,
            opening_s=SIGNED_START_S,
            idle_s=IDLE_S,
            return_s=0.0,
            control_per_s=100.0,
            call_s=limits.call_s if call_s is None else call_s + LAST_WORDS_S,
        )


@dataclass(frozen=True, slots=True)
class Opening:
    """A stream that has said whose it is."""

    start: Start
    messages: Sequence[str | bytes]
    """All that it has said so far, for the call's own codec."""


async def read_start(socket: Socket, within_s: float) -> Opening | None:
    """None if it left before. Raises PeerError, TimeoutError and ConnectionError."""
    codec = TwilioCodec()
    messages: list[str | bytes] = []
    async with asyncio.timeout(within_s):
        while len(messages) < MESSAGES_TO_START:
            message = await socket.receive()
            if message is None:
                return None
            messages.append(message)
            codec.receive(message)
            if codec.start is not None:
                return Opening(codec.start, messages)
    raise PeerError("a stream that does not start")


class TelephoneLine:
    """The `Socket` of a call, from its first message on, and what else the call asks of Twilio."""

    def __init__(
        self, socket: Socket, opening: Opening, phone: TelephoneConfig, rest: TwilioRest | None
    ) -> None:
        self.codec = TwilioCodec()
        self._socket = socket
        self._start = opening.start
        self._read = list(opening.messages)
        self._rest = rest
        self._phone = phone
        self._gone = False
        self._asked: asyncio.Queue[str] = asyncio.Queue(MOST_TRANSFERS)
        self._call: ConnectedCall | None = None

    # ---- the socket ----

    async def receive(self) -> str | bytes | None:
        if self._read:
            return self._read.pop(0)
        try:
            message = await self._socket.receive()
        except ConnectionError:
            self._gone = True
            raise
        self._gone = message is None
        return message

    async def send(self, message: str | bytes) -> None:
        await self._socket.send(message)

    async def close(self, code: int, reason: str) -> None:
        """A call that came to its end is hung up first: a stream that just closes gets an apology
        from the webhook's document.
        """
        if code == HUNG_UP and not self._gone and not self.codec.is_over:
            await self._hang_up()
        await self._socket.close(code, reason)

    # ---- the call ----

    def around(self, new_call: NewCall) -> NewCall:
        """Calls of this line: with the telephone's announcements, and a tool to hand them on."""
        tools = hand_on_to(self._phone.transfers, self._ask) if self._rest else ()

        def begin(form: CallFormat, send: Send) -> ConnectedCall:
            form = replace(
                form,
                lead_s=LEAD_S,
                announcements=self._phone.announcements,
                tools=tools,
                facts=FACTS,
            )
            self._call = new_call(form, send)
            return self._call

        return begin

    def _ask(self, number: str) -> None:
        if not self._asked.full():
            self._asked.put_nowait(number)

    async def hand_on(self) -> None:
        """Hands the call on when it asks for that; until cancelled."""
        while True:
            number = await self._asked.get()
            said = self._phone.phrases
            handed_on = await self._follow(twiml.dial(number, said.after_transfer, said.language))
            if not handed_on and self._call:
                self._call.push(Say(said.not_through))

    async def _follow(self, document: str) -> bool:
        assert self._rest is not None
        try:
            await self._rest.follow(self._start.call_sid, document)
        except TwilioError as error:
            _log.warning("the call could not be handed on", reason=str(error))
            return False
        _log.info("the call is handed on")
        return True

    async def _hang_up(self) -> None:
        if self._rest is None:
            return
        try:
            await self._rest.hang_up(self._start.call_sid)
        except TwilioError as error:
            _log.warning("the call could not be hung up", reason=str(error))


def hand_on_to(numbers: Mapping[str, str], ask: Callable[[str], None]) -> tuple[Tool, ...]:
    """`ask` is called with the number once the caller has been told; none without numbers."""
    if not numbers:
        return ()

    async def transfer_call(to: str) -> Afterwards:
        """Hand this call on to a colleague. Use it when the person asks for one, or needs one."""
        words = f"The call goes on to {to} when your next words were heard: tell the person."
        return Afterwards(words, lambda: ask(numbers[to]))

    # a model may dial these numbers and no other
    transfer_call.__annotations__["to"] = Literal.__getitem__(tuple(numbers))
    return (tool(transfer_call),)
