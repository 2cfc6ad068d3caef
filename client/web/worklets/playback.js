/** On the audio thread: plays what it is sent, and says how far the listener has heard. */

import { JitterBuffer, RATE_HZ } from "../jitter.js";

const REPORT = 0.08 * RATE_HZ;
/** The server wants to know at least every 100 ms, and hears at most 20 messages a second. */
const NO_NEWS = 4;
/** One in so many is sent although it says nothing new: the quickest tells the two clocks apart. */

class Playback extends AudioWorkletProcessor {
  constructor({ processorOptions: { generation, received } }) {
    super();
    this.buffer = new JitterBuffer(generation, received);
    this.latency = 0;
    this.reported = received;
    this.due = 0;
    this.old = 0;
    this.energy = 0;
    this.open = true;
    this.port.onmessage = ({ data }) => this.obey(data);
  }

  obey(order) {
    switch (order.type) {
      case "audio":
        this.buffer.push(order.at, order.pcm);
        break;
      case "flush":
        this.port.postMessage({ type: "flushed", ...this.buffer.flush(order.generation), rms: 0, at: Date.now() });
        this.reported = 0;
        break;
      case "latency":
        this.latency = order.samples;
        break;
      case "close":
        this.open = false;
        break;
    }
  }

  process(_inputs, [[out]]) {
    this.buffer.render(out);
    for (const sample of out) this.energy += sample * sample;
    this.due += out.length;
    if (this.due >= REPORT) this.report();
    return this.open;
  }

  report() {
    const { generation } = this.buffer;
    const samples = this.buffer.heard(this.latency);
    const rms = Math.sqrt(this.energy / this.due);
    this.due = 0;
    this.energy = 0;
    this.old = samples === this.reported ? this.old + 1 : 0;
    if (this.old % NO_NEWS > 0) return;
    this.reported = samples;
    this.port.postMessage({ type: "played", generation, samples, rms, at: Date.now() });
  }
}

registerProcessor("playback", Playback);
