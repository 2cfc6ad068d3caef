"""Calls by Twilio at a server on loopback: webhooks that it signs, and its stream."""

import json
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from bot.phone.line import TelephoneConfig
from tests.bot.phone.speaking_twilio import ACCOUNT, CALL, CONNECTED, said, start
from tests.echo import EchoCall
from tests.patience import until
from tests.serving import Served

TOKEN = "canary-auth-token"
PUBLIC = "https://voice.example"
PHONE = TelephoneConfig(auth_token=TOKEN, public=PUBLIC)

FACTS = {
    "AccountSid": ACCOUNT,
    "CallSid": CALL,
    "From": "+14158675309",
    "To": "+18005551212",
    "CallStatus": "ringing",
}


def signed(path: str, facts: dict[str, str], token: str = TOKEN) -> dict[str, str]:
    """As Twilio's own package signs."""
    given = RequestValidator(token).compute_signature(f"{PUBLIC}{path}", facts)
    return {"X-Twilio-Signature": given}


async def post(
    served: Served, path: str = "/twilio/voice", token: str = TOKEN, **facts: str
) -> httpx2.Response:
    facts = FACTS | facts
    return await served.http.post(path, data=facts, headers=signed(path, facts, token))


async def webhook(served: Served, **facts: str) -> ET.Element:
    answer = await post(served, **facts)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/xml")
    return ET.fromstring(answer.text)


def told(document: ET.Element) -> str:
    """The words of a document that are spoken."""
    return " ".join(say.text or "" for say in document.iter("Say"))


async def token_for(served: Served, call_sid: str = CALL) -> str:
    document = await webhook(served, CallSid=call_sid)
    parameter = document.find("./Connect/Stream/Parameter")
    assert parameter is not None
    assert parameter.get("name") == "token"
    return parameter.get("value") or ""


def media_url(served: Served) -> str:
    return f"ws://127.0.0.1:{served.port}/twilio/media"


@asynccontextmanager
async def stream(
    served: Served, token: str | None = None, call_sid: str = CALL
) -> AsyncIterator[ClientConnection]:
    """One that has started; with the webhook's token, if no other is given."""
    token = await token_for(served, call_sid) if token is None else token
    async with connect(media_url(served)) as client:
        begun = start(token=token)
        begun["start"]["callSid"] = call_sid
        await client.send(said(CONNECTED))
        await client.send(said(begun))
        yield client


async def upgrade_refused(url: str, **headers: str) -> int:
    try:
        async with connect(url, additional_headers=headers):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


async def received(client: ClientConnection, event: str) -> dict[str, Any]:
    """The next message of that kind; the others are passed over."""
    while True:
        message: dict[str, Any] = json.loads(await client.recv())
        if message["event"] == event:
            return message


async def until_calls(served: Served, count: int) -> None:
    await until(lambda: served.sessions.calls == count)


async def the_call(served: Served) -> EchoCall:
    await until(lambda: served.engine.calls)
    return served.engine.calls[-1]
