/** To 16 kHz from whatever rate the microphone runs at, as a stream. */

const CROSSINGS = 12;
/** Of zero, on each side of the filter's middle. */
const CUTOFF = 0.92;
/** Of the lower of the two Nyquist frequencies. */

export class Resampler {
  /** Rates are whole numbers of Hz. */
  constructor(fromHz, toHz) {
    const common = divisor(fromHz, toHz);
    this.up = toHz / common;
    this.down = fromHz / common;
    const bandwidth = CUTOFF * Math.min(1, toHz / fromHz);
    this.reach = Math.ceil(CROSSINGS / bandwidth);
    this.phases = Array.from({ length: this.up }, (_, i) => taps(i / this.up, this.reach, bandwidth));
    this.past = new Float32Array(this.reach); // so that the first output stands on the first input
    this.next = 0; // of the output, in steps of 1/up input samples
  }

  feed(input) {
    const line = new Float32Array(this.past.length + input.length);
    line.set(this.past);
    line.set(input, this.past.length);
    const out = [];
    for (;;) {
      const first = Math.floor(this.next / this.up);
      const filter = this.phases[this.next % this.up];
      if (first + filter.length > line.length) break;
      let sum = 0;
      for (let i = 0; i < filter.length; i += 1) sum += filter[i] * line[first + i];
      out.push(sum);
      this.next += this.down;
    }
    const done = Math.min(line.length, Math.floor(this.next / this.up));
    this.next -= done * this.up;
    this.past = line.slice(done);
    return Float32Array.from(out);
  }
}

function taps(offset, reach, bandwidth) {
  const filter = new Float64Array(2 * reach + 1);
  let sum = 0;
  for (let i = 0; i < filter.length; i += 1) {
    const t = i - reach - offset;
    const inside = Math.max(0, 1 - Math.abs(t) / (reach + 1));
    const window = 0.5 - 0.5 * Math.cos(Math.PI * inside);
    const x = Math.PI * t * bandwidth;
    filter[i] = window * (x === 0 ? 1 : Math.sin(x) / x);
    sum += filter[i];
  }
  return filter.map((tap) => tap / sum);
}

function divisor(a, b) {
  return b === 0 ? a : divisor(b, a % b);
}
