/** One call: the microphone, the loudspeaker and the socket, held together by its state. */

import * as door from "./door.js";
import { Microphone } from "./microphone.js";
import { Player } from "./player.js";
import { GOES_ON_TRYING, Problem } from "./problems.js";
import { microphone, mute, played, stopSpeaking, typed } from "./rtvi.js";
import { Socket } from "./socket.js";
import { CallState } from "./state.js";

const SILENCE_MS = 1000;
/** Silence goes on being sent after the microphone is closed: the last word needs its pause. */

const AUDIBLE = 10 ** (-45 / 20);
/** The level from which a listener hears it: the project's definition, as in `playout.py`. */

/**
 * Events, with what they bring in `detail`:
 *
 * - `state`: `{word, retry}`; `retry` is `{attempt, pauseS, problem}` while reconnecting
 * - `microphone`: `{open, muted, pushToTalk, talking}`
 * - `level`: `{rms, peak}` of 20 ms of the microphone; `playing`: `{rms}` of the loudspeaker
 * - `message`: what the server said
 * - `problem`: a Problem, or null once it is mended
 */
export class Call extends EventTarget {
  /** `askForToken(refused)` gives a token, or null if the person would rather not. */
  constructor(askForToken) {
    super();
    this.askForToken = askForToken;
    this.state = new CallState();
    this.deviceId = null;
    this.muted = false;
    this.pushToTalk = false;
    this.talking = false;
    this.closedAt = 0;
    this.spokeAt = 0; // when the person was last loud enough to be speaking
    this.captured = 0; // samples of the microphone, sent or not
    this.lastHeard = null; // what the server was last told, or could not be told
    this.cameBack = false;
    this.hindrance = null; // the kind of Problem that keeps us from coming back, as it was told
    this.socket = null;
    this.unsent = []; // typed before the call was open
    this.ontyped = null; // told of the first of them while the microphone is asked for
    this.player = new Player({
      onplayed: (report) => this.report(report),
      onsilenced: (problem) => this.tell("problem", problem),
    });
    this.microphone = new Microphone({
      onframe: (frame) => this.takeFrame(frame),
      onlost: () => this.loseMicrophone(),
      onquiet: (quiet) => this.tell("quiet", quiet),
    });
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  become(phase, retry = null) {
    this.state.become(phase);
    this.tell("state", { word: this.state.word, retry });
  }

  // ---- beginning and end ----

  /** In a click. Without a microphone it is a call in which one side types. */
  async start({ withMicrophone }) {
    if (this.state.isUnderWay) return;
    this.tell("problem", null);
    this.become("connecting");
    this.muted = !withMicrophone;
    const socket = (this.socket = this.newSocket());
    try {
      const sound = this.player.open(); // the two are asked for in the same click
      if (withMicrophone) await this.openMicrophone(socket);
      this.tell("microphone", this.microphoneState);
      await sound;
      if (this.socket === socket) await this.enter(socket);
    } catch (error) {
      if (this.socket === socket) this.finish(error);
      else if (!(error instanceof Problem) && error.name !== "AbortError") throw error;
    }
  }

  /** Whoever types while it is asked for, or in place of it, begins without it. Throws a Problem. */
  async openMicrophone(socket) {
    const opened = this.microphone.open(this.deviceId);
    const typed = new Promise((resolve) => {
      this.ontyped = resolve;
    });
    try {
      await Promise.race([opened, typed]);
      if (this.microphone.isOpen || this.socket !== socket) return;
      this.muted = true;
      opened.then(
        () => this.socket === socket && this.setOpen(),
        (error) => this.socket === socket && this.tell("problem", error),
      );
    } catch (error) {
      if (this.unsent.length === 0) throw error;
      this.muted = true;
      this.tell("problem", error);
    } finally {
      this.ontyped = null;
    }
  }

  /** It was allowed after all. */
  setOpen() {
    const before = this.isClosed;
    this.muted = false;
    this.applyMicrophone(before);
  }

  newSocket() {
    const socket = new Socket({
      start: door.start,
      onready: () => this.enterAgain(),
      onmessage: (message) => this.receive(message),
      onretry: (retry) => this.waitForRetry(retry),
      onover: (problem) => {
        if (this.socket === socket) this.finish(problem);
      },
    });
    return socket;
  }

  /** Until the server lets us in, or the person has no token to give. */
  async enter(socket) {
    for (let refused = false; ; refused = true) {
      try {
        await socket.open();
        break;
      } catch (error) {
        if (error.kind !== "token") throw error;
        const wrong = door.token.get() !== "";
        door.token.forget();
        const token = await this.askForToken(wrong || refused);
        if (this.socket !== socket) return;
        if (!token) throw error;
        door.token.set(token);
      }
    }
    this.player.begin();
    this.cameBack = false;
    this.goLive();
  }

  /** What was on its way to the ear is dropped: the server goes on from what we say was heard. */
  waitForRetry(retry) {
    this.become("reconnecting", retry);
    if (retry.attempt === 1) this.player.flush(0);
    if (retry.problem) this.tellHindrance(retry.problem);
  }

  /** Once, however many tries end in it. */
  tellHindrance({ kind, message, detail }) {
    if (kind === this.hindrance) return;
    this.hindrance = kind;
    this.tell("problem", { message, mend: GOES_ON_TRYING, detail });
  }

  tryNow() {
    this.socket?.tryNow();
  }

  enterAgain() {
    this.cameBack = true;
    if (this.hindrance) this.tell("problem", null);
    this.hindrance = null;
    if (this.lastHeard) this.socket.send(played(this.lastHeard), { first: true });
    this.goLive();
  }

  goLive() {
    this.lastHeard = null;
    this.become("live");
    this.applyMicrophone();
    if (this.isClosed) this.socket.send(mute(true));
    for (const text of this.unsent.splice(0)) this.socket.send(typed(text));
  }

  end() {
    if (this.state.isUnderWay) this.finish(null);
  }

  finish(error) {
    const problem = error instanceof Problem ? error : null;
    if (this.hindrance && !problem) this.tell("problem", null);
    this.hindrance = null;
    this.socket.close();
    this.socket = null;
    this.microphone.close();
    this.player.close();
    this.talking = false;
    this.unsent = [];
    this.become(problem?.kind === "full" ? "full" : "ready");
    this.tell("microphone", this.microphoneState);
    if (problem) this.tell("problem", problem);
    else if (error && error.name !== "AbortError") throw error;
  }

  // ---- hearing the person ----

  get isClosed() {
    return this.muted || (this.pushToTalk && !this.talking);
  }

  get microphoneState() {
    const { muted, pushToTalk, talking } = this;
    return { open: this.microphone.isOpen && !this.isClosed, muted, pushToTalk, talking };
  }

  takeFrame({ pcm, rms, peak }) {
    if (rms > AUDIBLE) this.spokeAt = performance.now();
    const sends = !this.isClosed || performance.now() - this.closedAt < SILENCE_MS;
    this.captured += pcm.length / 2;
    const isInCall = ["live", "reconnecting"].includes(this.state.phase);
    if (isInCall && sends) this.socket.sendSound(microphone(pcm, this.captured));
    if (this.muted && !sends) this.microphone.close();
    this.tell("level", { rms, peak });
  }

  /** Stops the tracks, and opens them again. */
  async setMuted(muted) {
    if (muted === this.muted) return;
    const before = this.isClosed;
    this.muted = muted;
    if (muted) this.microphone.mute();
    else if (!(await this.reopen())) this.muted = true;
    this.applyMicrophone(before);
  }

  setPushToTalk(pushToTalk) {
    const before = this.isClosed;
    this.pushToTalk = pushToTalk;
    this.talking = false;
    this.applyMicrophone(before);
  }

  setTalking(talking) {
    if (!this.pushToTalk || this.muted || talking === this.talking) return;
    const before = this.isClosed;
    this.talking = talking;
    this.applyMicrophone(before);
  }

  applyMicrophone(before = this.isClosed) {
    this.microphone.gate = !this.isClosed;
    if (before !== this.isClosed) {
      this.closedAt = performance.now();
      this.socket?.send(mute(this.isClosed));
    }
    this.tell("microphone", this.microphoneState);
  }

  /** Another device, remembered by whoever calls this; heard at once if a call is under way. */
  async choose(deviceId) {
    this.deviceId = deviceId;
    if (this.microphone.isOpen && !this.muted) await this.reopen();
  }

  async reopen() {
    if (!this.state.isUnderWay) return true; // the next call will open it
    try {
      await this.microphone.open(this.deviceId);
      this.applyMicrophone();
      this.tell("problem", null);
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.tell("problem", error);
      return false;
    }
  }

  /** Unplugged: whatever else there is, is better than nothing. */
  async loseMicrophone() {
    if (!this.state.isUnderWay || this.muted) return;
    if (await this.reopen()) return;
    await this.setMuted(true);
    this.tell("problem", new Problem("microphone-lost"));
  }

  // ---- the person's hands ----

  say(text) {
    if (this.state.phase === "live") this.socket.send(typed(text));
    else {
      this.unsent.push(text);
      this.ontyped?.();
    }
  }

  stopSpeaking() {
    if (this.state.phase === "live") this.socket.send(stopSpeaking());
  }

  /** Any touch of the page may let a browser play and listen that did not want to. */
  touch() {
    this.player.wake();
    this.microphone.wake();
  }

  // ---- what the server says ----

  receive(message) {
    switch (message.type) {
      case "audio":
        this.player.play(message.pcm);
        return;
      case "flush":
        if (Number.isSafeInteger(message.generation)) this.player.flush(message.generation);
        return;
      case "state":
        if (this.state.hear(message.state)) {
          this.tell("state", { word: this.state.word, retry: null });
        }
        return;
      case "session":
        if (this.cameBack && message.resumed === false) this.tell("problem", new Problem("anew"));
        return;
      default:
        this.tell("message", message);
    }
  }

  report({ generation, samples, rms, at }) {
    this.tell("playing", { rms });
    const isLive = this.state.phase === "live";
    if (!isLive && samples === 0) return; // there is nothing to hear, which is no news of before
    this.lastHeard = { generation, samples, at };
    if (isLive) this.socket.send(played(this.lastHeard));
  }
}
