/** The page: what the person does goes to the call, what the call tells goes on the page. */

import { Call } from "./call.js";
import { Captions } from "./captions.js";
import { Devices } from "./devices.js";
import { Dial } from "./dial.js";
import { record, save } from "./export.js";
import { listen } from "./keys.js";
import { BUDGET_MS, ms, share } from "./ledger.js";
import { SilenceWatch, loudness } from "./level.js";
import { Transcript } from "./transcript.js";
import { Turns } from "./turns.js";
import { WakeLock } from "./wake.js";

const $ = (id) => document.getElementById(id);
const FRAMELESS_MS = 500;
const now = () => new Date().toISOString();

const call = new Call(askForToken);
const dial = new Dial($("dial"));
let transcript = new Transcript();
const captions = new Captions($("lines"));
const turns = new Turns({
  list: $("turns"),
  empty: $("no-turns"),
  p50: $("p50"),
  p95: $("p95"),
  count: $("count"),
});
const silence = new SilenceWatch();
const wakeLock = new WakeLock();
const devices = new Devices($("microphone"), (id) => {
  silence.restart();
  call.choose(id);
});
let begunAt = now();
let begun = false;
let countdown = 0;
let lastFrameAt = 0;
let quiet = false; // the system itself has closed the microphone

// ---- the state ----

call.addEventListener("state", ({ detail: { word, retry } }) => {
  const was = $("word").textContent;
  document.body.dataset.word = word.replace(" ", "-");
  $("word").textContent = word;
  followTheFloor(word, was);
  showRetry(retry);
  showCall();
  if (retry) announce(`reconnecting, next try ${inSeconds(retry.pauseS)}`);
  else if (call.state.phase !== "live") announce(word);
  else if (["connecting", "reconnecting"].includes(was)) announce("connected, listening");
  if (was === "connecting" && call.state.phase === "live") beginAnew();
  // Else whoever started with a key would end the call with the Space that is to talk.
  if (call.pushToTalk && document.activeElement === $("call")) $("hold").focus();
});

/** Another conversation: what was shown of the last one goes. */
function beginAnew() {
  begun = true;
  begunAt = now();
  transcript = new Transcript();
  turns.clear();
  showCaptions();
  showLast();
}

function followTheFloor(word, was) {
  if (word === "hearing you") dial.reset();
  if (word === "thinking") dial.run(Math.min(1000, performance.now() - call.spokeAt));
  if (word === "speaking") dial.halt();
  if (["ready", "full", "connecting"].includes(word)) dial.reset();
  if (was === "hearing you" && ["listening", "speaking"].includes(word)) {
    if (transcript.forgetPartial()) showCaptions();
  }
}

function showRetry(retry) {
  clearInterval(countdown);
  $("try-now").hidden = !retry?.problem;
  if (!retry) return;
  const due = performance.now() + retry.pauseS * 1000;
  const show = () => {
    const leftS = (due - performance.now()) / 1000;
    $("last").textContent = leftS > 0 ? `next try ${inSeconds(leftS)}` : "trying";
  };
  show();
  countdown = setInterval(show, 250);
}

const inSeconds = (s) => `in ${Math.ceil(s)} s`;

function showCall() {
  const { isUnderWay, phase } = call.state;
  wakeLock.want(isUnderWay);
  $("call").textContent = isUnderWay ? "End call" : "Start talking";
  $("call").classList.toggle("primary", !isUnderWay);
  $("reason").hidden = (isUnderWay && phase !== "connecting") || !$("problem").hidden;
  $("mute").hidden = $("stop").hidden = !isUnderWay;
  if (phase === "live") showLast();
  if (phase === "full") $("last").textContent = "try again in a minute";
  if (phase === "ready") {
    $("last").textContent = begun ? "the call is over" : "press start, and speak";
  }
  if (!isUnderWay) $("quiet").textContent = "";
  showMicrophone(call.microphoneState);
}

function showLast() {
  const row = turns.rows.rows.at(-1);
  const waited = row ? `last wait ${ms(row.voice_to_voice_s)} ms` : "";
  const asked = call.state.word === "listening" ? "say something" : "";
  $("last").textContent = call.muted ? "the microphone is off" : waited || asked;
}

// ---- the microphone ----

call.addEventListener("microphone", ({ detail }) => {
  silence.restart();
  showMicrophone(detail);
  devices.refresh();
});
call.addEventListener("quiet", ({ detail }) => {
  quiet = detail;
});
call.addEventListener("level", ({ detail }) => {
  showLevel(detail.rms);
  lastFrameAt = performance.now();
  watch(detail);
});
setInterval(() => {
  if (performance.now() - lastFrameAt < 2 * FRAMELESS_MS) return;
  for (let ms = 0; ms < FRAMELESS_MS; ms += 20) watch({ rms: 0, peak: 0 }); // it gives nothing at all
}, FRAMELESS_MS);

function watch(frame) {
  const listens = call.state.word === "listening" || call.state.word === "hearing you";
  silence.frame(frame, listens && call.microphoneState.open);
  showSilence();
}

function showMicrophone({ muted, pushToTalk, talking }) {
  const { isUnderWay } = call.state;
  $("mute").setAttribute("aria-pressed", String(muted));
  $("mute").firstElementChild.textContent = muted ? "Unmute" : "Mute";
  $("hold").hidden = !isUnderWay || !pushToTalk || muted;
  $("hold").classList.toggle("held", talking);
  $("hold").firstElementChild.textContent = talking ? "Let go to send" : "Hold to talk";
  document.body.classList.toggle("muted", isUnderWay && muted);
  if (muted) showLevel(0);
  if (call.state.phase === "live") showLast();
  if (call.state.phase === "connecting") {
    const asks = !muted && !call.microphone.isOpen;
    $("last").textContent = asks ? "asking for the microphone" : "calling";
  }
}

function showLevel(rms) {
  const level = loudness(call.isClosed ? 0 : rms);
  $("meter").firstElementChild.style.transform = `scaleX(${level.toFixed(3)})`;
  $("meter").setAttribute("aria-valuenow", String(Math.round(level * 100)));
  if (call.state.word !== "speaking") dial.sound(level);
}

function showSilence() {
  const text =
    silence.isSilent || (quiet && call.microphoneState.open)
      ? "We can’t hear you. Is this the right microphone, and is it switched on?"
      : "";
  if ($("quiet").textContent !== text) $("quiet").textContent = text;
}

call.addEventListener("playing", ({ detail }) => dial.sound(loudness(detail.rms)));

// ---- what is said, and how long it took ----

call.addEventListener("message", ({ detail: message }) => {
  switch (message.type) {
    case "user-transcription":
      transcript.hear(String(message.text), Boolean(message.final), now());
      if (message.final) announce(`You: ${message.text}`);
      break;
    case "bot-output":
      if (message.spoken_status === "new") transcript.answer(String(message.text), now());
      break;
    case "bot-llm-stopped":
      announceAnswer(transcript.endAnswer());
      break;
    case "cut-off":
      transcript.cutOff(String(message.heard));
      break;
    case "in-use":
      showInUse(message.facts ?? {});
      $("shares").textContent = `In ms: ${share(message.shares_s ?? {})}.`;
      $("budget").firstChild.textContent = String(BUDGET_MS);
      break;
    case "turn":
      showTurn(message.row);
      break;
    case "error":
      showProblem({ message: "Something went wrong on the server", detail: String(message.error) });
      break;
  }
  showCaptions();
});

function showCaptions() {
  captions.show(transcript.entries);
  $("no-lines").hidden = transcript.entries.length > 0;
  $("export").disabled = transcript.entries.length === 0 && turns.rows.rows.length === 0;
}

function announceAnswer(entry) {
  if (entry) announce(`Halfsecond: ${entry.text}`);
}

function showTurn(row) {
  if (!turns.add(row, transcript.question)) return;
  dial.show(row);
  showLast();
  showInUse(row.facts);
}

function showInUse({ stt, llm, tts, profile, recorded }) {
  const told = recorded === "full" && "this call is recorded";
  $("in-use").textContent = [stt, llm, tts, profile && `profile ${profile}`, told]
    .filter(Boolean)
    .join(" · ");
}

// ---- problems ----

call.addEventListener("problem", ({ detail }) => showProblem(detail));

function showProblem(problem) {
  $("problem").hidden = problem === null;
  $("reason").hidden = call.state.isUnderWay || problem !== null;
  if (problem === null) return;
  const [title, mend, detail] = $("problem").children;
  title.textContent = problem.message;
  mend.textContent = problem.mend ?? "";
  detail.textContent = problem.detail ? `The server says: ${problem.detail}.` : "";
}

/** Resolves with the token, or null. */
function askForToken(refused) {
  const [dialog, value] = [$("token"), $("token-value")];
  $("token-wrong").hidden = !refused;
  value.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const answer = () => resolve(dialog.returnValue === "ok" ? value.value.trim() : null);
    dialog.addEventListener("close", answer, { once: true });
  });
}

/** To those who do not see the page, when nothing else is being read to them. */
function announce(text) {
  $("announcements").textContent = text;
}

// ---- the person's hands ----

function beginCall(withMicrophone) {
  silence.restart();
  return call.start({ withMicrophone });
}

/** In the conversation that is under way, or in a new one without a microphone. */
function say(text) {
  call.say(text);
  if (!call.state.isUnderWay) beginCall(false);
}

const stop = () => call.stopSpeaking();
const toggleMute = () => {
  if (call.state.isUnderWay) call.setMuted(!call.muted);
};

$("call").addEventListener("click", () => (call.state.isUnderWay ? call.end() : beginCall(true)));
$("mute").addEventListener("click", toggleMute);
$("stop").addEventListener("click", stop);
$("try-now").addEventListener("click", () => call.tryNow());
$("export").addEventListener("click", () => {
  const facts = { host: location.host, begunAt, endedAt: now() };
  save(record(transcript, turns.rows, facts), `halfsecond-${begunAt.replace(/[:.]/g, "-")}.json`);
});
$("type").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  $("text").value = "";
  if (text) say(text);
});
$("openers").addEventListener("click", ({ target }) => {
  if (target.matches("button")) say(target.textContent);
});
for (const radio of document.getElementsByName("mode")) {
  radio.addEventListener("change", () => call.setPushToTalk(radio.value === "push" && radio.checked));
}
$("hold").addEventListener("pointerdown", (event) => {
  $("hold").setPointerCapture(event.pointerId);
  call.setTalking(true);
});
for (const type of ["pointerup", "pointercancel"]) {
  $("hold").addEventListener(type, () => call.setTalking(false));
}
$("hold").addEventListener("contextmenu", (event) => event.preventDefault()); // a long press
for (const type of ["pointerdown", "keydown"]) {
  document.addEventListener(type, () => call.touch(), { capture: true });
}
listen({
  mute: toggleMute,
  stop,
  talk: (held) => call.setTalking(held),
  canTalk: () => call.state.isUnderWay && call.pushToTalk,
});
window.addEventListener("pagehide", () => call.end());

$("host").textContent = location.host;
call.choose(devices.chosen);
devices.refresh();
document.body.dataset.word = "ready";
