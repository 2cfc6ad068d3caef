/** Where a call stands, in one table, and the word that is shown for it. */

export const NEXT = {
  ready: ["connecting"],
  connecting: ["live", "full", "ready"],
  live: ["reconnecting", "ready"],
  reconnecting: ["live", "ready"],
  full: ["connecting", "ready"],
};

const LIVE_WORDS = {
  listening: "listening",
  hearing: "hearing you",
  thinking: "thinking",
  speaking: "speaking",
};

export class CallState {
  constructor() {
    this.phase = "ready";
    this.floor = "listening"; // what the server says of the conversation
  }

  /** Throws where the table has no such step: a bug. */
  become(phase) {
    if (phase === this.phase) return false;
    if (!NEXT[this.phase].includes(phase)) {
      throw new Error(`a call that is ${this.phase} cannot become ${phase}`);
    }
    this.phase = phase;
    this.floor = "listening";
    return true;
  }

  /** What the server says; words that we do not know change nothing. */
  hear(floor) {
    if (this.phase !== "live" || !(floor in LIVE_WORDS) || floor === this.floor) return false;
    this.floor = floor;
    return true;
  }

  get isUnderWay() {
    return this.phase === "connecting" || this.phase === "live" || this.phase === "reconnecting";
  }

  get word() {
    return this.phase === "live" ? LIVE_WORDS[this.floor] : this.phase;
  }
}
