/** The loudspeaker: 24 kHz in, what the listener has heard out. */

import { SPEAKER_HZ } from "./rtvi.js";
import { Problem } from "./problems.js";
import { ReadAlong } from "./unheard.js";

const WORKLET = new URL("./worklets/playback.js", import.meta.url);
const OPEN_MS = 3000;
const WAKE_MS = 1000;
/** A context that does not wake in that time is made anew. */

export class Player {
  /**
   * `onplayed({generation, samples, rms, at})` says what has been heard, and when (in s); `onsilenced(problem)`
   * why the browser plays nothing, or null once it plays again.
   */
  constructor({ onplayed, onsilenced }) {
    this.onplayed = onplayed;
    this.onsilenced = onsilenced;
    this.context = null;
    this.wanted = null;
    this.silenced = null; // the kind of the problem
    this.readAlong = new ReadAlong((samples) => this.read(samples));
    this.begin();
  }

  /** A new conversation counts from nothing. */
  begin() {
    this.readAlong.stop();
    this.generation = 0;
    this.received = 0;
    this.heard = 0;
  }

  /** Begin it in a click: elsewhere the browser may keep it silent. Why it stays silent, `onsilenced` is told. */
  async open() {
    const wanted = (this.wanted = {}); // until it is closed
    if (!window.isSecureContext) this.be("insecure");
    else if (!window.AudioWorkletNode) this.be("old-browser");
    else {
      this.opening ??= this.make().finally(() => {
        this.opening = null;
      });
      const opened = this.opening.then(() => true, () => false);
      const plays = await Promise.race([opened, after(OPEN_MS)]); // Firefox may wait for a sound server for ever
      if (!plays && this.wanted === wanted) this.be("no-loudspeaker");
    }
  }

  async make() {
    const context = new AudioContext({ latencyHint: "interactive", sampleRate: SPEAKER_HZ });
    this.context = context;
    context.onstatechange = () => this.wake();
    context.onerror = () => this.remake();
    const woken = context.resume().catch(() => {});
    await context.audioWorklet.addModule(WORKLET);
    if (this.context !== context) return;
    this.node = new AudioWorkletNode(context, "playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
      processorOptions: { generation: this.generation, received: this.received },
    });
    this.node.port.onmessage = ({ data }) => this.report(data);
    this.node.connect(context.destination);
    this.latency = null;
    this.tellLatency();
    await Promise.race([woken, after(WAKE_MS)]);
    this.tellSilenced();
  }

  /** Samples, 16 bit. Sound that comes while nothing can be played is lost, as on a telephone. */
  play(pcm) {
    const at = this.received;
    this.received += pcm.length;
    if (this.context?.state !== "running" || !this.node) {
      if (this.isUnheard) this.readAlong.take(this.received, this.heard);
      this.wake();
      return;
    }
    this.node.port.postMessage({ type: "audio", at, pcm }, [pcm.buffer]);
  }

  /** Falls silent at once; what comes from now on belongs to `generation`. */
  flush(generation) {
    const over = { generation: this.generation, samples: this.heard };
    this.readAlong.stop();
    this.generation = generation;
    this.received = 0;
    this.heard = 0;
    if (this.context?.state === "running" && this.node) {
      this.node.port.postMessage({ type: "flush", generation });
    } else {
      this.onplayed({ ...over, rms: 0, at: performance.now() / 1000 });
    }
  }

  /** Nothing will be heard, whatever the person does on the page: the answers are read. */
  get isUnheard() {
    return this.silenced !== null && this.silenced !== "silenced";
  }

  read(samples) {
    this.heard = samples;
    this.onplayed({ generation: this.generation, samples, rms: 0, at: performance.now() / 1000 });
  }

  /** `at` is the audio thread's only clock: how long ago it said so is taken from ours. */
  report({ type, generation, samples, rms, at }) {
    if (type === "played") this.heard = samples;
    this.tellLatency();
    const age = Math.max(0, Date.now() - at);
    this.onplayed({ generation, samples, rms, at: (performance.now() - age) / 1000 });
  }

  /** From the worklet to the ear, as far as the browser knows. */
  tellLatency() {
    const samples = Math.round(latency(this.context) * SPEAKER_HZ);
    if (samples === this.latency) return;
    this.latency = samples;
    this.node.port.postMessage({ type: "latency", samples });
  }

  /** Suspended (no gesture yet, a headset gone) or interrupted (another call): go on, or anew. */
  async wake() {
    const { context } = this;
    if (!context || this.waking) return;
    this.waking = true;
    if (context.state !== "running" && context.state !== "closed") {
      await Promise.race([context.resume().catch(() => {}), after(WAKE_MS)]);
    }
    this.waking = false;
    if (this.context !== context) return;
    if (context.state === "closed") await this.remake();
    else this.tellSilenced();
  }

  /** In a gesture, for a context that did not wake for it. */
  async remake() {
    this.drop();
    await this.open();
  }

  /** A context that does not wake although the person has touched the page has nothing to play on. */
  tellSilenced() {
    if (this.context === null) return;
    if (this.context.state === "running") this.be(null);
    else if (this.context.state === "suspended" && navigator.userActivation?.hasBeenActive) this.be("no-loudspeaker");
    else this.be("silenced");
  }

  be(silenced) {
    if (silenced === this.silenced) return;
    this.silenced = silenced;
    if (!this.isUnheard) this.readAlong.stop();
    this.onsilenced(silenced === null ? null : new Problem(silenced));
  }

  drop() {
    const { context, node } = this;
    this.context = this.node = null;
    if (node) {
      node.port.onmessage = null;
      node.port.postMessage({ type: "close" });
    }
    if (context) context.onstatechange = context.onerror = null;
    if (context && context.state !== "closed") context.close();
  }

  close() {
    this.wanted = null;
    this.drop();
    this.begin();
    this.silenced = null;
  }
}

export function after(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Seconds from the worklet to the ear, or that part of it which it is safe to ask for. */
export function latency(context, { userAgent } = navigator) {
  const { baseLatency = 0 } = context;
  // Firefox takes PulseAudio's lock for it while it holds its audio graph's, and PulseAudio the graph's while it
  // holds its own: the tab freezes for good (8 of 15 tries in Firefox 153; nowhere but on Linux is there PulseAudio).
  const freezes = /Linux.*Firefox/.test(userAgent);
  return baseLatency + (freezes ? 0 : context.outputLatency || 0);
}
