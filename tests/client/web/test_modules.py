"""The page's rules, each on its own: run in Chromium, since that is where they live."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from bot.browser.browser_pb2 import AudioRawFrame, Frame, InterruptionFrame, MessageFrame, TextFrame
from bot.browser.codec import BrowserCodec
from pipelines.core.exchange import Muted, Played, StopSpeaking, Typed
from pipelines.core.ledger.statistics import percentile
from tests.client.web.acting import rtvi
from tests.client.web.puppet import Puppeteer

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def page(browser: Browser, server: Puppeteer) -> Iterator[Page]:
    """One for all: the rules keep nothing to themselves."""
    opened = browser.new_page()
    opened.goto(server.url)
    yield opened
    opened.close()


def run(page: Page, module: str, body: str, given: object = None) -> Any:
    """`body` returns something made with `m`, the module, from `given`."""
    return page.evaluate(
        f"async (given) => {{ const m = await import('/{module}.js'); {body} }}", given
    )


# ---- protobuf ----

HEARD = [
    Frame(audio=AudioRawFrame(audio=b"\0\1\xff\x7f", sample_rate=24_000, num_channels=1)),
    Frame(audio=AudioRawFrame(id=2**40, name="x", audio=b"\0\0" * 500, pts=2**50 + 1)),
    Frame(message=MessageFrame(data='{"text":"Grüße, 🙂"}')),
    Frame(message=MessageFrame(data="x" * 300)),
    Frame(text=TextFrame(id=300, name="a", text="b")),
    Frame(interruption=InterruptionFrame(id=1, name="stop")),
]


@pytest.mark.parametrize("frame", HEARD, ids=lambda frame: str(frame.WhichOneof("frame")))
def test_what_protobuf_writes_the_page_reads(page: Page, frame: Frame) -> None:
    kind = frame.WhichOneof("frame")
    read = run(
        page,
        "protobuf",
        "const f = m.decode(Uint8Array.from(given)); return {...f, audio: f.audio && [...f.audio]}",
        list(frame.SerializeToString()),
    )
    assert read.pop("kind") == kind
    for name, value in read.items():
        if value is not None:
            written = getattr(getattr(frame, kind), name)
            assert value == (list(written) if isinstance(written, bytes) else written)


@pytest.mark.parametrize("frame", HEARD, ids=lambda frame: str(frame.WhichOneof("frame")))
def test_what_the_page_writes_protobuf_reads(page: Page, frame: Frame) -> None:
    again = run(
        page,
        "protobuf",
        "const {kind, ...values} = m.decode(Uint8Array.from(given));"
        "return [...m.encode(kind, values)]",
        list(frame.SerializeToString()),
    )
    assert Frame.FromString(bytes(again)) == frame


def test_fields_that_nobody_knows_are_passed_over(page: Page) -> None:
    unknown = b"\x78\x05" + b"\x7a\x02hi" + b"\x7d\0\0\0\0" + b"\x79\0\0\0\0\0\0\0\0"
    frame = unknown + HEARD[2].SerializeToString() + unknown
    body = "return m.decode(Uint8Array.from(given)).data"
    assert run(page, "protobuf", body, list(frame)) == '{"text":"Grüße, 🙂"}'
    assert run(page, "protobuf", "return m.decode(Uint8Array.from(given))", list(unknown)) is None


def test_what_is_torn_is_refused_wherever_it_is_torn(page: Page) -> None:
    whole = HEARD[3].SerializeToString()
    body = (
        "return given.map((bytes) => { try { m.decode(Uint8Array.from(bytes)); return 'read'; }"
        " catch (error) { return error.name; } })"
    )
    torn = [list(whole[:size]) for size in range(1, len(whole))]
    assert set(run(page, "protobuf", body, torn)) == {"RangeError"}
    endless = [[255] * 12, [7], [10, 255, 255, 255, 255, 255, 255, 255, 255, 127]]
    assert run(page, "protobuf", body, endless) == ["RangeError"] * 3


def test_the_server_understands_all_that_the_page_can_say(page: Page) -> None:
    said = run(
        page,
        "rtvi",
        "return [m.clientReady('key'), m.played({generation: 2, samples: 480}), m.mute(true),"
        " m.stopSpeaking(), m.typed('Hello'), m.microphone(new Uint8Array([1, 2]), 24000),"
        " m.disconnect()]"
        ".map((bytes) => [...bytes])",
    )
    codec = BrowserCodec("s", lambda: "now")
    events = [codec.receive(bytes(message)) for message in said]
    opened, audio = events[0][0], events[5][0]
    assert opened.flushes  # type: ignore[union-attr]
    assert events[1:5] == [[Played(2, 480)], [Muted(True)], [StopSpeaking()], [Typed("Hello")]]
    assert audio.pcm == b"\1\2"  # type: ignore[union-attr]
    assert audio.media_s == 1.5  # type: ignore[union-attr]
    assert len(events[6]) == 1


# ---- the connection ----

SOCKET = """
const sockets = [];
const [Real, now] = [globalThis.WebSocket, performance.now];
globalThis.WebSocket = class {
  static OPEN = 1;
  constructor() {
    Object.assign(this, { readyState: 1, bufferedAmount: 0, sent: [], isOver: false });
    sockets.push(this);
    setTimeout(() => this.onopen());
  }
  send(bytes) {
    if (bytes.length > 2) this.hear(bytes);
    else this.sent.push(bytes[0] + 256 * bytes[1]);
  }
  hear() {
    if (this.isGreeted) this.isOver = true; // only the greeting and the farewell are so long
    else this.onmessage({ data: Uint8Array.from(given) });
    this.isGreeted = true;
  }
  close() {}
};
let told = [];
const bytes = (n) => new Uint8Array([n % 256, n >> 8]);
const socket = new m.Socket({
  start: async () => "ws://nowhere",
  onmessage: () => {},
  onretry: () => setTimeout(() => socket.tryNow()),
  onready: () => { for (const n of told) socket.send(bytes(n), { first: true }); back(); },
  onover: () => {},
});
let back = () => {};
const sound = (from, to) => { for (let n = from; n < to; n += 1) socket.sendSound(bytes(n)); };
const again = () =>
  new Promise((resolve) => { back = () => setTimeout(resolve); });
const cut = () => {
  const next = again();
  sockets[0].onclose({ code: 1006, reason: "" });
  return next;
};
await socket.open();
try { STORY } finally {
  globalThis.WebSocket = Real;
  performance.now = now;
  socket.close();
}
"""


@pytest.mark.parametrize(
    ("story", "sent"),
    [
        ("sound(0, 3); return sockets[0].sent", [0, 1, 2]),
        (
            "sockets[0].bufferedAmount = 40000; sound(0, 600);"
            "sockets[0].bufferedAmount = 0; sound(600, 601); return sockets[0].sent",
            list(range(101, 601)),
        ),
        (
            "sockets[0].bufferedAmount = 40000; sound(0, 2); socket.send(bytes(900)); sound(2, 3);"
            "sockets[0].bufferedAmount = 0; sound(3, 4); return sockets[0].sent",
            [0, 1, 900, 2, 3],
        ),
        (  # muted meanwhile: there is no next frame with which it would go
            "sockets[0].bufferedAmount = 40000; sound(0, 3); sockets[0].bufferedAmount = 0;"
            "while (sockets[0].sent.length < 3)"
            " await new Promise((resolve) => setTimeout(resolve));"
            "return sockets[0].sent",
            [0, 1, 2],
        ),
        (  # said while it reconnected: after what was heard of the answer
            "told = [900]; const next = cut(); sound(0, 3); await next; return sockets[1].sent",
            [900, 0, 1, 2],
        ),
        (
            "sockets[0].bufferedAmount = 40000; sound(0, 2); socket.send(bytes(900));"
            "await cut(); sound(2, 3); return sockets[1].sent",
            [0, 1, 2],
        ),
        (  # longer than the server keeps a conversation
            "const next = cut(); sound(0, 3);"
            "performance.now = () => now.call(performance) + 31000;"
            "await next; sound(3, 4); return sockets[1].sent",
            [3],
        ),
        (  # longer than a network may stand still
            "sockets[0].bufferedAmount = 40000; sound(0, 2); const next = again();"
            "performance.now = () => now.call(performance) + 16000; sound(2, 3); await next;"
            "return sockets[1].sent",
            [0, 1, 2],
        ),
        (
            "sockets[0].bufferedAmount = 40000; sound(0, 2); socket.close();"
            "return [sockets[0].isOver, sockets[0].sent.length]",
            [True, 0],
        ),
    ],
)
def test_what_the_connection_does_not_take_waits_and_the_oldest_sound_goes_first(
    page: Page, story: str, sent: list[object]
) -> None:
    ready = list(rtvi("bot-ready", {"version": "2.0.0"}))
    assert run(page, "socket", SOCKET.replace("STORY", story), ready) == sent


# ---- the loudspeaker's buffer ----

PLAY = """
const buffer = new m.JitterBuffer();
const out = new Float32Array(128);
const tone = (n) => new Int16Array(n).fill(16384);
const log = [];
const render = (samples) => {
  const heard = [];
  for (let i = 0; i < samples; i += 128) { buffer.render(out); heard.push(...out); }
  return heard;
};
"""


def test_it_waits_for_40_ms_and_no_longer(page: Page) -> None:
    body = (
        PLAY
        + """
        buffer.push(0, tone(959));
        const first = render(128).some((x) => x !== 0);
        buffer.push(959, tone(1));
        const second = render(128).some((x) => x !== 0);
        const short = new m.JitterBuffer();
        short.push(0, tone(100));
        let blocks = 0;
        for (; !out.some((x) => x !== 0) || blocks === 0; blocks += 1) short.render(out);
        return [first, second, blocks];
        """
    )
    first, second, blocks = run(page, "jitter", body)
    assert (first, second) == (False, True)
    assert blocks == 9  # 960 samples of waiting are 7.5 blocks; heard in the one after the 8th


def test_every_sample_comes_out_once_and_in_order(page: Page) -> None:
    body = """
        const buffer = new m.JitterBuffer();
        const out = new Float32Array(128);
        const heard = [];
        let at = 0;
        for (const size of [480, 480, 1, 7, 480, 2000]) {
          buffer.push(at, Int16Array.from({length: size}, (_, i) => at + i + 1));
          at += size;
        }
        for (let i = 0; i < 40; i += 1) { buffer.render(out); heard.push(...out); }
        return {heard: heard.map((x) => Math.round(x * 32768)), at, position: buffer.position};
    """
    result = run(page, "jitter", body)
    faded = 72
    assert result["heard"][faded : result["at"]] == list(range(faded + 1, result["at"] + 1))
    assert result["position"] == result["at"]
    assert result["heard"][result["at"] + faded :] == [0] * (5120 - result["at"] - faded)


def test_edges_are_faded(page: Page) -> None:
    body = PLAY + "buffer.push(0, tone(1200)); return render(2048)"
    heard = np.array(run(page, "jitter", body))
    assert heard.max() == pytest.approx(0.5)
    assert (
        np.abs(np.diff(heard, prepend=0)).max() < 0.01
    )  # 0.5 in 3 ms; a click would be 0.5 in one


def test_a_flush_falls_silent_within_3_ms_without_a_click_and_says_what_was_heard(
    page: Page,
) -> None:
    body = (
        PLAY
        + """
        buffer.push(0, tone(9600));
        const before = render(2560);
        const over = buffer.flush(1);
        buffer.push(0, tone(480));
        return {before, over, after: render(640), generation: buffer.generation};
        """
    )
    result = run(page, "jitter", body)
    assert result["over"] == {"generation": 0, "samples": 2560 + 72}
    after = np.array([result["before"][-1], *result["after"]])
    assert np.abs(np.diff(after)).max() < 0.01
    assert (after[1:72] > 0).all()
    assert (after[73:] == 0).all()
    assert result["generation"] == 1


def test_what_was_heard_is_exact_to_the_sample_and_late_by_the_latency(page: Page) -> None:
    body = (
        PLAY
        + """
        buffer.push(0, tone(1000));
        render(1024);
        return [0, 24, 500, 5000].map((latency) => buffer.heard(latency));
        """
    )
    fresh = PLAY + "buffer.push(0, tone(1000)); render(1024); return buffer.heard(given)"
    for latency, expected in [(0, 1000), (24, 1000), (25, 999), (524, 500), (1024, 0), (5000, 0)]:
        assert run(page, "jitter", fresh, latency) == expected
    # A latency that grows takes nothing back.
    assert run(page, "jitter", body) == [1000] * 4


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", 0.01),
        ("X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", 0.01),
        ("Wayland; Linux aarch64; rv:140.0) Gecko/20100101 Firefox/140.0", 0.01),
        ("Windows NT 10.0; Win64; x64; rv:153.0) Gecko/20100101 Firefox/153.0", 0.06),
        ("Macintosh; Intel Mac OS X 10.15; rv:153.0) Gecko/20100101 Firefox/153.0", 0.06),
        ("X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", 0.06),
    ],
)
def test_firefox_on_linux_is_not_asked_for_the_latency_that_freezes_it(
    page: Page, agent: str, expected: float
) -> None:
    body = """
    let asked = 0;
    const context = { baseLatency: 0.01, get outputLatency() { asked += 1; return 0.05; } };
    return [m.latency(context, { userAgent: "Mozilla/5.0 (" + given }), asked > 0];
    """
    seconds, asked = run(page, "player", body, agent)
    assert seconds == pytest.approx(expected)
    assert asked == (expected > 0.01)


def test_a_browser_that_knows_no_latency_has_none(page: Page) -> None:
    assert run(page, "player", "return m.latency({}, { userAgent: '' })") == 0


def test_a_gap_in_the_sound_is_not_counted_as_heard(page: Page) -> None:
    body = (
        PLAY
        + """
        buffer.push(0, tone(1024));
        render(1024 + 2560);
        buffer.push(1024, tone(2000));
        const heard = [buffer.heard(0)];
        render(512);
        for (const latency of [600, 384, 0]) heard.push(buffer.heard(latency));
        return heard;
        """
    )
    assert run(page, "jitter", body) == [1024, 1024, 1024 + 128, 1024 + 512]


def test_it_grows_when_it_runs_dry_and_shrinks_when_it_does_not(page: Page) -> None:
    body = (
        PLAY
        + """
        let at = 0;
        const give = (n) => { buffer.push(at, tone(n)); at += n; };
        const targets = [buffer.target];
        for (let i = 0; i < 30; i += 1) {
          give(buffer.target + 480);
          while (buffer.buffered > 0) render(128);
          render(256);
          targets.push(buffer.target);
        }
        give(9600);
        for (let played = 0; played < 24000 * 5 * 40; played += 128) { give(128); render(128); }
        return {targets, last: buffer.target, ranDry: buffer.ranDry};
        """
    )
    result = run(page, "jitter", body)
    ms = [round(target / 24) for target in result["targets"]]
    assert ms[:4] == [40, 40, 60, 80]
    assert max(ms) == 400
    assert result["last"] == 960
    assert result["ranDry"] == 30


def test_a_new_answer_is_no_reason_to_grow(page: Page) -> None:
    body = (
        PLAY
        + """
        for (let turn = 0, at = 0; turn < 5; turn += 1, at += 4800) {
          buffer.push(at, tone(4800));
          render(4800 + 24000);
        }
        return buffer.target;
        """
    )
    assert run(page, "jitter", body) == 960


def test_after_a_stall_the_oldest_is_dropped_and_the_count_stays_right(page: Page) -> None:
    body = (
        PLAY
        + """
        for (let at = 0; at < 96000; at += 480) buffer.push(at, tone(480));
        render(128);
        return [buffer.buffered, buffer.position, buffer.heard(0)];
        """
    )
    buffered, position, heard = run(page, "jitter", body)
    assert buffered == 48_000 - 128
    assert position == heard == 48_000 + 128


# ---- the microphone's resampler ----


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000, 22_050, 8_000])
def test_resampling_keeps_what_can_be_heard_and_nothing_else(page: Page, rate_hz: int) -> None:
    at = np.arange(rate_hz) / rate_hz
    wanted = 0.5 * np.sin(2 * np.pi * 1000 * at)
    too_high = 0.5 * np.sin(2 * np.pi * 10_500 * at) if rate_hz > 21_000 else 0 * at
    body = """
        const resampler = new m.Resampler(given.rate, 16000);
        const out = [];
        for (let i = 0; i < given.pcm.length; i += 128) {
          out.push(...resampler.feed(Float32Array.from(given.pcm.slice(i, i + 128))));
        }
        return out;
    """
    given = {"rate": rate_hz, "pcm": (wanted + too_high).tolist()}
    out = np.array(run(page, "resample", body, given))
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(out.size) / 16_000)
    assert abs(out.size - 16_000) < 40
    inner = slice(200, -200)
    assert np.sqrt(np.mean((out - expected)[inner] ** 2)) < 0.005


# ---- words and figures ----


def test_words_that_go_on_stay_in_one_line_and_others_begin_one(page: Page) -> None:
    body = """
        const t = new m.Transcript();
        t.hear("My number", false, ""); t.hear("My number is", true, "");
        t.hear("My number is four", false, ""); t.hear("My number is four.", true, "");
        t.answer("Thank", ""); t.answer("you.", ""); t.endAnswer();
        t.hear("Wait", false, ""); t.forgetPartial();
        t.hear("Hell", false, ""); t.answer("Hi.", ""); t.hear("Hello", true, "");
        t.hear("Hello", true, ""); t.hear("Bye", true, "");
        return t.entries.map(({who, text, final}) => [who, text, final]);
    """
    assert run(page, "transcript", body) == [
        ["you", "My number is four.", True],
        ["bot", "Thank you.", True],
        ["you", "Hello", True],
        ["bot", "Hi.", False],
        ["you", "Hello", True],
        ["you", "Bye", True],
    ]


@pytest.mark.parametrize(
    ("heard", "said", "unsaid"),
    [
        ("One two,", "One two,", "three four."),
        ("", "", "One two, three four."),
        ("One  two, three four.", "One two, three four.", ""),
    ],
)
def test_a_cut_off_answer_is_struck_at_the_word(
    page: Page, heard: str, said: str, unsaid: str
) -> None:
    body = """
        const t = new m.Transcript();
        t.answer("One two,", ""); t.answer("three four.", ""); t.endAnswer();
        t.hear("Stop", false, "");
        const {said, unsaid, final} = t.cutOff(given);
        return [said, unsaid, final];
    """
    assert run(page, "transcript", body, heard) == [said, unsaid, True]


@pytest.mark.parametrize("waits_ms", [[300], [300, 200], list(range(100, 700, 7))])
def test_percentiles_are_the_servers(page: Page, waits_ms: list[int]) -> None:
    server = [percentile([ms / 1000 for ms in waits_ms], share) for share in (50, 95)]
    body = """
        const rows = new m.Rows();
        for (const ms of given) {
          const row = {segments: {}, hidden: {}, verdict: {}, facts: {}, spans: []};
          rows.add({...row, voice_to_voice_s: ms / 1000});
        }
        return [rows.percentile(50), rows.percentile(95)];
    """
    assert run(page, "ledger", body, waits_ms) == server
    assert run(page, "ledger", "return new m.Rows().percentile(50)") is None


SILENCE = """
const watch = new m.SilenceWatch();
const frames = (seconds, rms, peak, expected = true) => {
  for (let i = 0; i < Math.round(seconds / 0.02); i += 1) watch.frame({rms, peak}, expected);
  return watch.isSilent;
};
"""


@pytest.mark.parametrize(
    ("story", "silent"),
    [
        ("return frames(4.98, 0, 0)", False),
        ("return frames(5, 0.001, 0.002)", True),  # a room, and nobody was ever heard in it
        ("frames(1, 0.1, 0.3); return frames(60, 0.001, 0.002)", False),  # now we know better
        ("frames(1, 0.1, 0.3); return frames(5, 0, 0)", True),  # switched off
        ("frames(5, 0, 0); return frames(0.02, 0.1, 0.3)", False),
        ("return frames(60, 0, 0, false)", False),  # muted, or the bot speaks
        ("frames(1, 0.1, 0.3); watch.restart(); return frames(5, 0.001, 0.002)", True),
    ],
)
def test_nothing_for_five_seconds_is_noticed(page: Page, story: str, silent: bool) -> None:
    assert run(page, "level", SILENCE + story) is silent


def test_a_call_takes_only_the_steps_in_the_table(page: Page) -> None:
    body = """
        const refused = [];
        for (const from of Object.keys(m.NEXT)) {
          for (const to of Object.keys(m.NEXT)) {
            const state = new m.CallState();
            state.phase = from;
            try { state.become(to); } catch { refused.push(`${from} ${to}`); }
          }
        }
        return refused;
    """
    refused = run(page, "state", body)
    assert "ready live" in refused
    assert "live connecting" in refused
    assert "full reconnecting" in refused
    assert len(refused) == 20 - 10
