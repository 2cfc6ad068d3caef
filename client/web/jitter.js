/**
 * What has arrived and is still to be played: the buffer behind the loudspeaker.
 *
 * Positions count samples since the last flush, as on the wire. No clock: `render` is called for
 * one block after the other, and time is the number of samples rendered.
 */

export const RATE_HZ = 24000;

const START = 0.04 * RATE_HZ;
/** So much is held back before an answer begins. */
const GROW = 0.02 * RATE_HZ;
const SHRINK = 0.01 * RATE_HZ;
const MOST = 0.4 * RATE_HZ;
const GAP = 0.3 * RATE_HZ;
/** What comes so soon after the buffer ran dry was late; after a longer gap it is a new answer. */
const CALM = 5 * RATE_HZ;
/** Played without running dry, for the buffer to shrink by a step. */
const ROOM = 2 * RATE_HZ;
/** What is ahead of that is dropped, the oldest first: it can only be a stall that is over. */
const FADE = 72;
/** 3 ms: an edge without a click. */

export class JitterBuffer {
  /** To go on where another left off, say which generation and the samples received of it. */
  constructor(generation = 0, received = 0) {
    this.generation = generation;
    this.target = START;
    this.clock = 0;
    this.ranDry = 0; // times
    this.tail = []; // what fades out, whatever comes next
    this.dryAt = null;
    this.calm = 0;
    this.restart(received);
  }

  restart(position) {
    this.chunks = [];
    this.position = position; // of the next sample to play
    this.playing = false;
    this.arrivedAt = null; // when the first sample that waits came in
    this.faded = 0; // samples since the sound began, up to FADE
    this.last = 0; // value
    this.runs = []; // what left us, and when: {clock, from, length}
    this.base = position; // heard before the first run
  }

  get buffered() {
    const end = this.chunks.at(-1);
    return end ? end.at + end.pcm.length - this.position : 0;
  }

  /** `pcm` (16 bit) belongs at position `at`; samples that never came leave no gap. */
  push(at, pcm) {
    if (pcm.length === 0) return;
    if (this.chunks.length === 0) this.position = Math.max(this.position, at);
    this.chunks.push({ at, pcm });
    this.arrivedAt ??= this.clock;
    if (this.dryAt !== null) {
      if (this.clock - this.dryAt < GAP) this.target = Math.min(MOST, this.target + GROW);
      this.dryAt = null;
    }
    while (this.buffered > ROOM && this.chunks.length > 1) {
      this.chunks.shift();
      this.position = this.chunks[0].at;
    }
  }

  /** Drops what is not played yet; says how far the generation that is over came. */
  flush(generation) {
    const tail = new Float32Array(FADE);
    const taken = this.playing ? this.take(tail) : 0;
    for (let i = 0; i < taken; i += 1) tail[i] *= 1 - (i + 1) / (taken + 1);
    this.tail = [...tail.subarray(0, taken)];
    const over = { generation: this.generation, samples: this.position };
    this.generation = generation;
    this.dryAt = null;
    this.restart(0);
    return over;
  }

  /** Fills `out` with the next samples, from -1 to 1. */
  render(out) {
    out.fill(0);
    const tail = this.tail.splice(0, out.length);
    if (!this.playing && this.arrivedAt !== null) {
      const waited = this.clock - this.arrivedAt;
      this.playing = this.buffered >= this.target || waited >= this.target;
    }
    if (this.playing) this.play(out);
    for (let i = 0; i < tail.length; i += 1) out[i] += tail[i];
    this.clock += out.length;
  }

  play(out) {
    const from = this.position;
    const skipsTo = this.chunks[0]?.at ?? from;
    const taken = this.take(out);
    this.ran(Math.max(from, skipsTo), taken);
    for (let i = 0; i < taken && this.faded < FADE; i += 1) out[i] *= ++this.faded / FADE;
    this.last = taken > 0 ? out[taken - 1] : this.last;
    this.calm += taken;
    if (this.calm >= CALM) {
      this.calm = 0;
      this.target = Math.max(START, this.target - SHRINK);
    }
    if (taken < out.length) this.runDry(out, taken);
  }

  runDry(out, taken) {
    for (let i = 0; i < FADE; i += 1) {
      const value = this.last * (1 - (i + 1) / (FADE + 1));
      if (taken + i < out.length) out[taken + i] += value;
      else this.tail.push(value);
    }
    this.playing = false;
    this.arrivedAt = null;
    this.faded = 0;
    this.last = 0;
    this.dryAt = this.clock + taken;
    this.calm = 0;
    this.ranDry += 1;
  }

  /** Moves samples into `out`; returns how many there were. */
  take(out) {
    let taken = 0;
    while (taken < out.length && this.chunks.length > 0) {
      const { at, pcm } = this.chunks[0];
      const offset = Math.max(0, this.position - at);
      const count = Math.min(pcm.length - offset, out.length - taken);
      for (let i = 0; i < count; i += 1) out[taken + i] = pcm[offset + i] / 32768;
      taken += count;
      this.position = at + offset + count;
      if (offset + count >= pcm.length) this.chunks.shift();
    }
    return taken;
  }

  ran(from, length) {
    if (length === 0) return;
    const run = this.runs.at(-1);
    const goesOn =
      run && run.clock + run.length === this.clock && run.from + run.length === from;
    if (goesOn) run.length += length;
    else this.runs.push({ clock: this.clock, from, length });
  }

  /** The position that has been heard, where the way to the ear takes `latency` samples. */
  heard(latency) {
    const ear = this.clock - latency;
    while (this.runs.length > 1 && this.runs[1].clock <= ear) this.runs.shift();
    const run = this.runs[0];
    if (run && ear > run.clock) {
      const upto = run.from + Math.min(run.length, Math.floor(ear - run.clock));
      this.base = Math.max(this.base, upto); // never back, though the latency may have grown
    }
    return this.base;
  }
}
