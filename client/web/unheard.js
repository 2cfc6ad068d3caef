/** In place of a loudspeaker that is not there: answers count as heard at the pace of speech, for they are read. */

import { SPEAKER_HZ } from "./rtvi.js";

const REPORT_MS = 80;

export class ReadAlong {
  /** `onread(samples)` says how far a listener would have come, as a loudspeaker would. */
  constructor(onread) {
    this.onread = onread;
    this.timer = null;
  }

  /** So many samples have come; so many of them had been heard before. */
  take(received, heard) {
    this.received = received;
    if (this.timer !== null) return;
    const since = performance.now();
    this.timer = setInterval(() => {
      const passed = Math.round(((performance.now() - since) / 1000) * SPEAKER_HZ);
      const read = Math.min(this.received, heard + passed);
      if (read === this.received) this.stop();
      this.onread(read);
    }, REPORT_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
  }
}
