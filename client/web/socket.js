/** The connection of a call: opened, kept, and made again when it drops. */

import { BUSY } from "./door.js";
import { Outbox } from "./outbox.js";
import { Problem } from "./problems.js";
import { clientReady, disconnect, understand } from "./rtvi.js";

const FIRST_PAUSE_S = 0.5;
const LONGEST_PAUSE_S = 30;
const READY_MS = 10000;
const BACKLOG = 32 * 1024;
/** Bytes that the browser is given ahead, one second of the microphone: what waits here can be left out. */
const DRAIN_MS = 20;
const STALLED_MS = 15000;
/** A network may stand still so long; where it takes nothing for longer, the connection is made again. */
const KEPT_MS = 30000;
/** The server keeps a conversation so long: what was said before is no part of a new one. */

const OUR_DOING = new Set([1002, 1003, 1007, 1009]);
/** We sent what the server does not understand: it would be no better the next time. */
const THE_END = [
  "the call goes on over another connection",
  "the call has lasted as long as it may",
];
/** Reasons of 1008 with which the server is done with us; other limits may be met by no fault of ours. */

/** Seconds before a try, counted from 1: five tries fall within the 30 s that the server keeps a conversation. */
export function pauseBefore(attempt) {
  return Math.min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1));
}

function comesBack(code, reason) {
  return code !== 1000 && !OUR_DOING.has(code) && !THE_END.includes(reason);
}

export class Socket {
  /**
   * `start(resume, signal)` gives the address; `onready(again)`, `onmessage(message)`,
   * `onretry({attempt, pauseS, problem})` and `onover(problem or null)` are told what happens;
   * a retry's `problem` is that of the try before, null for the first.
   */
  constructor({ start, onready, onmessage, onretry, onover }) {
    Object.assign(this, { start, onready, onmessage, onretry, onover });
    this.resume = ""; // the key that the server gave us
    this.socket = null;
    this.isReady = false;
    this.outbox = new Outbox();
    this.endPause = null;
    this.closing = new AbortController();
  }

  /** Throws a Problem, or an AbortError after `close`. */
  async open() {
    const { signal } = this.closing;
    const url = await this.start(this.resume, signal);
    signal.throwIfAborted();
    await this.connect(url, signal);
    this.isReady = true;
  }

  connect(url, signal) {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    return new Promise((resolve, reject) => {
      const fail = (problem) => {
        this.drop(socket);
        reject(problem);
      };
      const late = setTimeout(() => fail(new Problem("unreachable")), READY_MS);
      signal.addEventListener("abort", () => fail(signal.reason), { once: true });
      socket.onopen = () => socket.send(clientReady(this.resume));
      socket.onclose = ({ code, reason }) => {
        clearTimeout(late);
        if (this.socket !== socket) return;
        if (this.isReady) this.dropped(code, reason);
        else fail(problemOf(code, reason) ?? new Problem("unreachable"));
      };
      socket.onmessage = ({ data }) => {
        const message = this.read(data);
        if (message?.type === "bot-ready") {
          clearTimeout(late);
          resolve();
        } else if (message) this.onmessage(message);
      };
    });
  }

  /** null for what does not concern us, or is broken: it harms nobody. */
  read(data) {
    try {
      const message = understand(new Uint8Array(data));
      if (message?.type === "session" && typeof message.resume === "string") {
        this.resume = message.resume;
      }
      return message;
    } catch {
      return null;
    }
  }

  async dropped(code, reason) {
    this.outbox.keepSound();
    this.lostAt = performance.now();
    this.isReady = false;
    this.socket = null;
    if (this.closing.signal.aborted) return;
    let problem = problemOf(code, reason);
    if (comesBack(code, reason)) problem = await this.tryAgain();
    if (!this.closing.signal.aborted && !this.isReady) this.onover(problem);
  }

  /** Until it is back; returns the Problem where trying cannot help, null otherwise. */
  async tryAgain() {
    let problem = null;
    for (let attempt = 1; ; attempt += 1) {
      const pauseS = pauseBefore(attempt);
      this.onretry({ attempt, pauseS, problem });
      await this.pause(pauseS * 1000);
      if (this.closing.signal.aborted) return null;
      try {
        await this.open();
        if (performance.now() - this.lostAt > KEPT_MS) this.outbox.clear();
        this.onready(true);
        this.drain();
        return null;
      } catch (error) {
        if (error.name === "AbortError") return null;
        problem = error instanceof Problem ? error : new Problem("unreachable");
        if (isHopeless(problem)) return problem;
      }
    }
  }

  /** Ends early when the browser is online again, at `tryNow`, or when the call is over. */
  pause(ms) {
    const { signal } = this.closing;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        window.removeEventListener("online", done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      window.addEventListener("online", done);
      signal.addEventListener("abort", done);
      this.endPause = done;
    });
  }

  /** Ends the pause before the next try, if there is one. */
  tryNow() {
    this.endPause?.();
  }

  get isOpen() {
    return this.isReady && this.socket.readyState === WebSocket.OPEN;
  }

  /** False if there is no connection; it is not sent later. `first`: before everything that waits. */
  send(bytes, { first = false } = {}) {
    if (!this.isOpen) return false;
    this.outbox.put(bytes, first);
    this.drain();
    return true;
  }

  /** A frame of the microphone. While nothing goes out, the newest wait, also for the next connection. */
  sendSound(bytes) {
    this.outbox.putSound(bytes);
    this.drain();
  }

  drain() {
    clearTimeout(this.draining);
    if (!this.isOpen) return;
    const { socket } = this;
    while (!this.outbox.isEmpty && socket.bufferedAmount <= BACKLOG) {
      socket.send(this.outbox.take());
      this.stalledAt = undefined;
    }
    if (this.outbox.isEmpty) return;
    this.stalledAt ??= performance.now();
    if (performance.now() - this.stalledAt > STALLED_MS) {
      this.drop(socket);
      this.dropped(1006, "");
    } else this.draining = setTimeout(() => this.drain(), DRAIN_MS);
  }

  drop(socket) {
    socket.onopen = socket.onclose = socket.onmessage = null;
    socket.close();
    this.stalledAt = undefined;
    if (this.socket === socket) this.socket = null;
  }

  /** We hang up. Nothing more is told. */
  close() {
    const { socket } = this;
    if (this.isOpen) socket.send(disconnect());
    clearTimeout(this.draining);
    this.isReady = false;
    this.closing.abort();
    if (socket) this.drop(socket);
  }
}

/** Another try would end the same way, however long the server is given. */
function isHopeless({ kind, detail }) {
  return kind === "token" || kind === "forbidden" || THE_END.includes(detail);
}

function problemOf(code, reason) {
  if (code === 1000) return null;
  if (code === 1013) return reason === BUSY ? new Problem("full") : new Problem("closed", reason);
  if (code === 1008) return new Problem("ended-by-server", reason);
  if (comesBack(code, reason)) return new Problem("unreachable");
  return new Problem("confused", reason);
}
