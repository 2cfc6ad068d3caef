/** How loud the person is: the meter, and whether there is anything to hear at all. */

const NOTHING = 250;
/** Frames of 20 ms: five seconds. */
const FAINT = 10 ** (-50 / 20);
/** Below it is no speech, in the first seconds of a microphone that nobody has yet heard. */

const FLOOR_DB = -60;

/** From 0 to 1, as an ear counts. */
export function loudness(rms) {
  const db = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}

/**
 * "We can't hear you", after five seconds of nothing.
 *
 * A microphone that was never heard must be louder than a whisper; one that was heard may be as
 * quiet as its room, but not as dead as a switch.
 */
export class SilenceWatch {
  constructor() {
    this.restart();
  }

  /** Another microphone, or another call. */
  restart() {
    this.wasHeard = false;
    this.silent = 0;
  }

  /** One frame; `expected` where the person may be speaking and the microphone is open. */
  frame({ rms, peak }, expected) {
    if (rms > FAINT) this.wasHeard = true;
    const nothing = this.wasHeard ? peak === 0 : rms <= FAINT;
    this.silent = nothing && expected ? this.silent + 1 : 0;
  }

  get isSilent() {
    return this.silent >= NOTHING;
  }
}
