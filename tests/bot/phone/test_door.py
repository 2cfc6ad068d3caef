"""The telephone's door on real sockets: who comes in, who does not, and how a call ends."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from xml.etree.ElementTree import canonicalize

import pytest
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect

import bot.phone.waiting
from bot.calls.limits import Limits
from bot.phone import twiml
from bot.phone.line import TelephoneConfig, hand_on_to
from bot.phone.rest import TwilioError, TwilioRest
from bot.phone.waiting import UNSIGNED_PER_ADDRESS
from pipelines.audio import mulaw
from pipelines.core.exchange import AudioIn, Dtmf, LineDropped, Say
from pipelines.words import ENGLISH, phrases_for
from pipelines.words.phrases import Phrases
from tests.bot.browser.test_door import closing
from tests.bot.phone.calling import (
    FACTS,
    PHONE,
    PUBLIC,
    TOKEN,
    media_url,
    post,
    received,
    signed,
    stream,
    the_call,
    token_for,
    told,
    until_calls,
    upgrade_refused,
    webhook,
)
from tests.bot.phone.speaking_twilio import CALL, CONNECTED, FRAME, dtmf, media, said, start, stop
from tests.echo import EchoEngine
from tests.patience import until
from tests.serving import RawClient, Served, serving
from tests.twilio_cloud import SECRET, SID, Cloud, running

REFUSED_TOKEN = (1008, "the token is missing, used or too old")


def on_a_phone(
    play: Callable[[Served], Awaitable[None]], phone: TelephoneConfig = PHONE, **options: object
) -> None:
    async def scenario() -> None:
        async with serving(phone=phone, **options) as served:  # type: ignore[arg-type]
            await play(served)

    asyncio.run(scenario())


def refusals(served: Served, reason: str) -> int:
    line = f'halfsecond_calls_refused_total{{reason="{reason}"}} '
    return sum(int(float(x.removeprefix(line))) for x in served.figures() if x.startswith(line))


# ---- the webhook ----


def test_a_call_is_connected_to_a_stream_with_a_token() -> None:
    async def play(served: Served) -> None:
        answer = await post(served)
        document = await webhook(served)
        assert [verb.tag for verb in document] == ["Connect", "Say", "Hangup"]
        told_stream = document.find("./Connect/Stream")
        assert told_stream is not None
        assert told_stream.get("url") == "wss://voice.example/twilio/media"
        assert told_stream.get("statusCallback") == "https://voice.example/twilio/status"
        assert told(document) == ENGLISH.broken
        assert answer.text.count("token") == 1

    on_a_phone(play)


def test_a_document_quotes_what_it_is_given_and_names_the_language() -> None:
    stream = (
        '<Stream url="wss://v" statusCallback="https://v"><Parameter name="token" value="a{}"/>'
    )
    assert canonicalize(
        twiml.connect("wss://v", "https://v", {"token": 'a<&"'}, "Tut mir leid & Ende", "de-DE")
    ) == canonicalize(
        f"<Response><Connect>{stream.format('&lt;&amp;&quot;')}</Stream></Connect>"
        '<Say language="de-DE">Tut mir leid &amp; Ende</Say><Hangup/></Response>'
    )
    assert canonicalize(twiml.dial("+15551230001", "Nobody")) == canonicalize(
        "<Response><Dial>+15551230001</Dial><Say>Nobody</Say><Hangup/></Response>"
    )


@pytest.mark.parametrize("language", ["de", "fr", "es", "it", "pt", "nl"])
def test_twilio_speaks_the_callers_language_when_the_bot_cannot(language: str) -> None:
    phrases = phrases_for(language)

    async def play(served: Served) -> None:
        async with stream(served, await token_for(served)):
            await until_calls(served, 1)
            assert told(await webhook(served)) == phrases.busy
            served.sessions.leave()
            document = await webhook(served)
            assert told(document) == phrases.away
            say = document.find("./Say")
            assert say is not None
            assert say.get("language") == phrases.language
            served.sessions.leave()

    phone = replace(PHONE, phrases=phrases)
    on_a_phone(play, phone, limits=Limits(calls=1), drain_s=30.0)


def test_who_has_not_signed_is_refused_and_nothing_is_allocated() -> None:
    async def play(served: Served) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        right = signed("/twilio/voice", FACTS)
        wrong = {"X-Twilio-Signature": RequestValidator("x").compute_signature(PUBLIC, FACTS)}
        elsewhere = {
            "X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(
                f"http://127.0.0.1:{served.port}/twilio/voice", FACTS
            )
        }
        path = "/twilio/voice"
        asked = [
            (403, await served.http.post(path, data=FACTS)),
            (403, await served.http.post(path, data=FACTS, headers=wrong)),
            (403, await served.http.post(path, data=FACTS, headers=elsewhere)),
            (403, await served.http.post(path, data=FACTS | {"To": "+1"}, headers=right)),
            (415, await served.http.post(path, json=FACTS, headers=right)),
            (415, await served.http.post(path, headers=right)),
            (
                413,
                await served.http.post(path, content=b"x" * 70_000, headers=right | form),
            ),
            (400, await served.http.post(path, content=b"\xff=1", headers=right | form)),
            (405, await served.http.get(path, headers=right)),
        ]
        asked.append((403, await served.http.post("/twilio/status", data=FACTS)))
        assert [answer.status_code for _, answer in asked] == [code for code, _ in asked]
        assert all("error" in answer.json() for code, answer in asked if code != 405)
        assert refusals(served, "signature") == 5
        assert served.engine.calls == []

    on_a_phone(play)


@pytest.mark.parametrize("path", ["/twilio/voice", "/twilio/status"])
def test_a_form_is_not_taken_apart_for_a_stranger(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.phone.door, "parse_qsl", lambda *_, **__: pytest.fail("it was parsed"))
    many = "&".join(f"{number:x}=" for number in range(11_500)).encode()
    shape = base64.b64encode(bytes(20)).decode()

    async def play(served: Served) -> None:
        for given, body, status, told_of in (
            ("x", many, 403, "is no signature"),
            ("x" * 28, many, 403, "is no signature"),
            (shape + "=", many, 403, "is no signature"),
            (shape, many, 413, "the form has more than 256 fields"),
            (shape, b"&" * 256, 413, "the form has more than 256 fields"),
            (shape, b"a" * 65_537, 413, "it has more than 65536 bytes"),
        ):
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            headers = form | {"X-Twilio-Signature": given}
            answer = await served.http.post(path, content=body, headers=headers)
            assert (answer.status_code, told_of in answer.json()["error"]) == (status, True)

    on_a_phone(play)


def test_a_signed_form_may_have_as_many_fields_as_twilio_could_send() -> None:
    async def play(served: Served) -> None:
        more = {f"SipHeader_X-{number}": "a" for number in range(200)}
        assert (await post(served, **more)).status_code == 200

    on_a_phone(play)


def test_the_query_is_signed_too_and_what_twilio_reports_is_taken() -> None:
    async def play(served: Served) -> None:
        path = "/twilio/voice?tenant=a%20b&x="
        right = await served.http.post(path, data=FACTS, headers=signed(path, FACTS))
        wrong = await served.http.post(path, data=FACTS, headers=signed("/twilio/voice", FACTS))
        assert (right.status_code, wrong.status_code) == (200, 403)
        report = await post(served, "/twilio/status", StreamEvent="stream-error", StreamError="x")
        assert (report.status_code, report.content) == (204, b"")

    on_a_phone(play)


def test_what_the_door_lacks_is_named() -> None:
    assert TelephoneConfig().lacks == "TWILIO_AUTH_TOKEN and PUBLIC_BASE_URL"
    assert TelephoneConfig(auth_token="t").lacks == "PUBLIC_BASE_URL"
    assert TelephoneConfig(public=PUBLIC).lacks == "TWILIO_AUTH_TOKEN"
    assert PHONE.lacks == ""


def test_without_its_settings_the_door_is_shut_and_says_so() -> None:
    phone = TelephoneConfig()

    async def play(served: Served) -> None:
        answer = await post(served)
        assert answer.status_code == 503
        assert answer.json()["error"] == f"the telephone is not set up: {phone.lacks} must be set"
        assert await upgrade_refused(media_url(served)) == 503

    on_a_phone(play, phone)


def test_a_full_server_says_so_in_words_and_hangs_up() -> None:
    async def play(served: Served) -> None:
        async with stream(served):
            await until_calls(served, 1)
            document = await webhook(served)
            assert [verb.tag for verb in document] == ["Say", "Hangup"]
            assert told(document) == ENGLISH.busy

    on_a_phone(play, limits=Limits(calls=1))


def test_a_server_that_shuts_down_says_so_in_words_and_hangs_up() -> None:
    async def play(served: Served) -> None:
        async with stream(served) as client:
            await until_calls(served, 1)
            served.sessions.leave()
            document = await webhook(served)
            assert [verb.tag for verb in document] == ["Say", "Hangup"]
            assert told(document) == ENGLISH.away
            served.sessions.leave()
            assert (await closing(client))[0] == 1012

    on_a_phone(play, drain_s=30.0)


def test_an_answering_machine_is_hung_up_on() -> None:
    async def play(served: Served) -> None:
        for who in ("machine_start", "machine_end_beep", "fax"):
            document = await webhook(served, AnsweredBy=who)
            assert [verb.tag for verb in document] == ["Hangup"]
        assert (await webhook(served, AnsweredBy="human")).find("Connect") is not None

    on_a_phone(play)


# ---- the stream ----


def test_a_call_is_heard_answered_and_left() -> None:
    async def play(served: Served) -> None:
        async with stream(served) as client:
            await client.send(said(media(FRAME, at_ms=75)))
            answer = await received(client, "media")
            assert base64.b64decode(answer["media"]["payload"]) == FRAME
            assert (await received(client, "mark"))["mark"]["name"] == "0.160"
            await client.send(said(dtmf("5")))
            await served.engine.calls[0].until_heard(Dtmf("5"))
            await client.send(said(stop()))
            assert await closing(client) == (1000, "")
        await until_calls(served, 0)
        [call] = served.engine.calls
        assert call.heard == [AudioIn(mulaw.decode(FRAME).tobytes(), 0.0), Dtmf("5")]
        assert (call.form.in_rate_hz, call.form.out_rate_hz) == (8000, 8000)
        assert (call.form.lead_s, call.form.reports_playout) == (0.18, True)
        assert call.form.facts == {"telephone_leg": "not measured"}
        assert served.ended("left", "phone") == 1

    on_a_phone(play)


def test_a_socket_that_drops_frees_its_call_at_once() -> None:
    async def play(served: Served) -> None:
        async with stream(served) as client:
            await until_calls(served, 1)
            client.transport.abort()
        await until_calls(served, 0)
        [call] = served.engine.calls
        assert (call.heard, call.running) == ([LineDropped()], False)
        assert served.ended("vanished", "phone") == 1

    on_a_phone(play)


def test_a_token_lets_in_once_and_the_call_that_it_was_made_for() -> None:
    async def play(served: Served) -> None:
        token = await token_for(served)
        async with stream(served, token) as client:
            await until_calls(served, 1)
            async with stream(served, token) as again:
                assert await closing(again) == REFUSED_TOKEN
            await client.close()
        async with stream(served, await token_for(served), "CA-another") as other:
            assert await closing(other) == REFUSED_TOKEN
        for made_up in ("", "made-up"):
            async with stream(served, made_up) as stranger:
                assert await closing(stranger) == REFUSED_TOKEN
        assert len(served.engine.calls) == 1
        assert refusals(served, "ticket") == 4

    on_a_phone(play)


def test_a_token_that_is_too_old_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(served: Served) -> None:
        token = await token_for(served)
        monkeypatch.setattr("bot.server.access.TICKET_S", 0.0)
        old = await token_for(served)
        async with stream(served, old) as client:
            assert await closing(client) == REFUSED_TOKEN
        async with stream(served, token) as client:
            await until_calls(served, 1)
        await until_calls(served, 0)

    on_a_phone(play)


def test_a_signature_on_the_socket_is_checked_where_it_is_there() -> None:
    async def play(served: Served) -> None:
        url = "wss://voice.example/twilio/media"
        right = RequestValidator(TOKEN).compute_signature(url, {})
        wrong = RequestValidator("x").compute_signature(url, {})
        assert await upgrade_refused(media_url(served), **{"X-Twilio-Signature": right}) == 101
        assert await upgrade_refused(media_url(served), **{"X-Twilio-Signature": wrong}) == 403
        assert await upgrade_refused(media_url(served), **{"X-Twilio-Signature": ""}) == 403
        assert await upgrade_refused(media_url(served)) == 101

    on_a_phone(play)


def test_a_stream_that_does_not_start_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.phone.waiting, "UNSIGNED_START_S", 0.05)

    async def play(served: Served) -> None:
        async with connecting(served) as client:
            await client.send(said(CONNECTED))
            assert await closing(client) == (1008, "the stream did not start")
        assert served.engine.calls == []

    on_a_phone(play)


WRONG_BEGINNINGS: list[tuple[list[str | bytes], tuple[int, str | None]]] = [
    ([said(media())], (1002, "media out of order")),
    (["{"], (1002, "message is not JSON")),
    ([b"\0"], (1003, "messages must be text")),
    (["x" * 70_000], (1009, None)),
    (['{"event":"new"}'] * 9, (1002, "a stream that does not start")),
]


def test_a_stream_that_begins_wrongly_is_let_go_and_no_call_is_made() -> None:
    async def play(served: Served) -> None:
        for messages, closed in WRONG_BEGINNINGS:
            async with connecting(served) as client:
                for message in messages:
                    await client.send(message)
                code, reason = await closing(client)
                assert (code, reason if closed[1] else None) == closed
        assert served.engine.calls == []

    on_a_phone(play)


def test_unsigned_streams_that_have_not_started_are_few_and_take_no_place_of_a_signed_one() -> None:
    url = "wss://voice.example/twilio/media"
    signature = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(url, {})}

    async def play(served: Served) -> None:
        async with AsyncExitStack() as crowd:
            for _ in range(UNSIGNED_PER_ADDRESS):
                await crowd.enter_async_context(connecting(served))
            assert await upgrade_refused(media_url(served)) == 503
            wrong = {"X-Twilio-Signature": "bWFkZSB1cA=="}
            assert await upgrade_refused(media_url(served), **wrong) == 403
            assert await upgrade_refused(media_url(served), **signature) == 101
        assert refusals(served, "waiting") == 1
        async with stream(served):
            await until_calls(served, 1)

    on_a_phone(play)


def connecting(served: Served) -> connect:
    return connect(media_url(served))


# ---- ends ----


def with_rest(play: Callable[[Served, Cloud], Awaitable[None]], phrases: Phrases = ENGLISH) -> None:
    """A server that knows its account, and Twilio's API as it stands there."""
    with running(Cloud(calls={CALL: {"sid": CALL, "status": "in-progress"}})) as cloud:
        phone = TelephoneConfig(
            auth_token=SECRET,
            account_sid=SID,
            public=PUBLIC,
            api_base_url=cloud.url,
            transfers={"sales": "+15551230001"},
            phrases=phrases,
        )

        async def scenario() -> None:
            async with serving(phone=phone) as served:
                await play(served, cloud)

        asyncio.run(scenario())


async def secret_token(served: Served) -> str:
    answer = await post(served, token=SECRET)
    return answer.text.partition('name="token" value="')[2].partition('"')[0]


def test_a_call_that_the_bot_ends_is_hung_up_and_then_closed() -> None:
    async def play(served: Served, cloud: Cloud) -> None:
        async with stream(served, await secret_token(served)) as client:
            (await the_call(served)).over.set()
            assert await closing(client) == (1000, "")
        path = f"/2010-04-01/Accounts/{SID}/Calls/{CALL}.json"
        assert cloud.asked == [("POST", path, {"Status": "completed"})]
        assert cloud.calls[CALL]["status"] == "completed"

    with_rest(play)


def test_a_caller_who_hangs_up_is_not_hung_up_on() -> None:
    async def play(served: Served, cloud: Cloud) -> None:
        async with stream(served, await secret_token(served)) as client:
            await client.send(said(stop()))
            assert await closing(client) == (1000, "")
        async with stream(served, await secret_token(served)) as client:
            await until_calls(served, 1)
            client.transport.abort()
        await until_calls(served, 0)
        assert cloud.asked == []

    with_rest(play)


def test_a_call_that_is_over_already_need_not_be_hung_up() -> None:
    async def play(served: Served, cloud: Cloud) -> None:
        rest = TwilioRest(cloud.url, SID, SECRET)
        await rest.hang_up("CA-gone")
        with pytest.raises(TwilioError, match="HTTP 404, error 20404"):
            await rest.follow("CA-gone", "<Response/>")
        await rest.close()
        async with TwilioRest(cloud.url, SID, "wrong") as stranger:
            with pytest.raises(TwilioError, match="the auth token is wrong"):
                await stranger.hang_up(CALL)

    with_rest(play)


def test_a_call_that_fails_is_left_to_the_apology() -> None:
    async def play(served: Served, cloud: Cloud) -> None:
        async with stream(served, await secret_token(served)) as client:
            await client.send(said(media() | {"streamSid": "MZ-another"}))
            assert await closing(client) == (1002, "a message of another stream")
        assert cloud.asked == []

    with_rest(play)


def test_a_call_is_handed_on_once_its_tool_was_used() -> None:
    async def play(served: Served, cloud: Cloud) -> None:
        async with stream(served, await secret_token(served)) as client:
            call = await the_call(served)
            [tool] = call.form.tools
            assert tool.schema["function"]["parameters"]["properties"] == {  # type: ignore[index]
                "to": {"type": "string", "enum": ["sales"]}
            }
            afterwards = await tool.function("sales")  # type: ignore[misc]
            afterwards.act()
            await until(lambda: cloud.asked)
            await client.send(said(stop()))
            await closing(client)
        [(_, _, form)] = cloud.asked
        assert canonicalize(form["Twiml"]) == canonicalize(
            twiml.dial("+15551230001", ENGLISH.after_transfer)
        )

    with_rest(play)


@pytest.mark.parametrize("phrases", [ENGLISH, phrases_for("it")])
def test_a_call_that_cannot_be_handed_on_is_told_so_in_its_language(phrases: Phrases) -> None:
    async def play(served: Served, cloud: Cloud) -> None:
        cloud.calls.clear()
        async with stream(served, await secret_token(served)) as client:
            call = await the_call(served)
            (await call.form.tools[0].function("sales")).act()  # type: ignore[misc]
            await call.until_heard(Say(phrases.not_through))
            await client.close()

    with_rest(play, phrases)


def test_without_numbers_there_is_nothing_to_hand_on_to() -> None:
    assert hand_on_to({}, lambda number: None) == ()


def test_calls_that_vanish_are_all_let_go() -> None:
    async def play(served: Served) -> None:
        await vanish(served, 4)

    limits = Limits(calls=4, ping_s=0.1, pong_s=0.1)
    on_a_phone(play, engine=EchoEngine(), limits=limits)


@pytest.mark.soak
def test_fifty_calls_that_vanish_are_gone_within_twenty_seconds() -> None:
    async def play(served: Served) -> None:
        now = asyncio.get_running_loop().time
        took_s = await vanish(served, 50, now)
        assert took_s < 20.0

    on_a_phone(play, limits=Limits(calls=50))


async def vanish(served: Served, count: int, now: Callable[[], float] = lambda: 0.0) -> float:
    """Calls whose sockets stay open, and from which nothing comes any more, not even a pong."""
    before = len(asyncio.all_tasks())
    clients = []
    for number in range(count):
        sid = f"CA{number}"
        token = await token_for(served, sid)
        client = await RawClient.enter(media_url(served))
        begun = start(token=token)
        begun["start"]["callSid"] = sid
        client.send(0x1, said(CONNECTED).encode())
        client.send(0x1, said(begun).encode())
        clients.append(client)
    await until(lambda: len(served.engine.calls) == count)
    began_s = now()
    await until(lambda: not served.sessions.calls, 0.01)
    took_s = now() - began_s
    for client in clients:
        client.vanish()
    await until(lambda: len(asyncio.all_tasks()) <= before, 0.001)
    assert not any(call.running for call in served.engine.calls)
    return took_s
