/** The rows of the server's ledger, in milliseconds and in words. `docs/reference/latency.md` defines them. */

export let BUDGET_MS = 500;

/** Of this server, where its settings are others; says in words what each part may take. */
export function share(sharesS) {
  const parts = Object.entries(sharesS).filter(([key, s]) => key in SHARES && Number.isFinite(s));
  if (parts.length > 0) BUDGET_MS = ms(parts.reduce((sum, [, seconds]) => sum + seconds, 0));
  return parts.map(([key, seconds]) => `${SHARES[key]} ${ms(seconds)}`).join(" · ");
}

/** Each segment of the wait, in order: its name here, and the stage whose work it waits for. */
export const SEGMENTS = {
  endpointing: { name: "end of turn", stage: "endpointing" },
  stt: { name: "last words", stage: "stt" },
  turn: { name: "decision", stage: "turn" },
  llm_first_token: { name: "first token", stage: "llm" },
  first_clause: { name: "first clause", stage: "phrasing" },
  tts_first_audio: { name: "voice", stage: "tts" },
  send: { name: "send", stage: "send" },
  played: { name: "playback", stage: "play" },
};

const SHARES = {
  endpointing: "end of turn",
  stt: "last words",
  llm_first_token: "first token",
  first_clause: "first clause",
  tts_first_audio: "voice",
  transport: "transport",
};

const WINDOW = 500;

/** Seconds as the page shows them. */
export function ms(seconds) {
  return Math.round(seconds * 1000);
}

export function verdictOf({ verdict }) {
  if (!verdict.stage) return "within budget";
  const name = SHARES[verdict.stage] ?? verdict.stage;
  const over = `overspent by ${ms(verdict.over_s)} ms`;
  const isWithin = verdict.text.endsWith("within budget");
  return isWithin ? `within budget, though ${name} ${over}` : `${name} ${over}`;
}

/** Each segment with where it begins and ends, in ms after the last sample of speech. */
export function stairs(row) {
  let at = 0;
  return Object.entries(SEGMENTS).map(([key, { name, stage }]) => {
    const from = at;
    at += (row.segments[key] ?? 0) * 1000;
    const spans = row.spans.filter((span) => span.stage === stage);
    return { key, name, from, to: at, hidden: (row.hidden[key] ?? 0) * 1000, spans };
  });
}

/** The rows of a call, and of the newest of them the percentiles. */
export class Rows {
  constructor() {
    this.rows = [];
  }

  /** False for what is no row. */
  add(row) {
    const parts = [row?.segments, row?.hidden, row?.verdict, row?.facts];
    const whole = parts.every((part) => part && typeof part === "object");
    if (!whole || !Array.isArray(row.spans) || !Number.isFinite(row.voice_to_voice_s)) {
      return false;
    }
    this.rows.push(row);
    if (this.rows.length > WINDOW) this.rows.shift();
    return true;
  }

  /** Nearest rank, as on the server: a wait that somebody had. In seconds; null without turns. */
  percentile(percent) {
    const waits = this.rows.map((row) => row.voice_to_voice_s).sort((a, b) => a - b);
    const rank = Math.max(1, Math.ceil((percent * waits.length) / 100));
    return waits[rank - 1] ?? null;
  }
}
