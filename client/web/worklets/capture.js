/** On the audio thread: the microphone as 16 kHz mono, in frames of 20 ms, each with its level. */

import { Resampler } from "../resample.js";

const RATE_HZ = 16000;
const FRAME = 0.02 * RATE_HZ;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = sampleRate === RATE_HZ ? null : new Resampler(sampleRate, RATE_HZ);
    this.open = true;
    this.port.onmessage = () => {
      this.open = false;
    };
    this.begin();
  }

  begin() {
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.energy = 0;
    this.peak = 0;
  }

  process([[input]]) {
    const samples = input ?? new Float32Array(128); // nothing is connected: silence
    for (const sample of this.resampler ? this.resampler.feed(samples) : samples) this.add(sample);
    return this.open;
  }

  add(sample) {
    const value = Math.max(-1, Math.min(1, sample));
    this.frame[this.filled] = Math.round(value * 32767);
    this.energy += value * value;
    this.peak = Math.max(this.peak, Math.abs(value));
    this.filled += 1;
    if (this.filled < FRAME) return;
    const { frame, peak } = this;
    const rms = Math.sqrt(this.energy / FRAME);
    this.port.postMessage({ pcm: new Uint8Array(frame.buffer), rms, peak }, [frame.buffer]);
    this.begin();
  }
}

registerProcessor("capture", Capture);
