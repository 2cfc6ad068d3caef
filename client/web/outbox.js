/** Messages that wait until the connection takes them, in order; of the microphone's sound, the newest. */

export const MOST_SOUNDS = 500;
/** Frames of 20 ms: ten seconds, as much as the server hears of what comes at once. */

export class Outbox {
  constructor() {
    this.items = []; // {bytes, isSound}
    this.sounds = 0;
  }

  get isEmpty() {
    return this.items.length === 0;
  }

  /** `first`: before everything that waits. */
  put(bytes, first = false) {
    this.items[first ? "unshift" : "push"]({ bytes, isSound: false });
  }

  /** One frame. One too many, and the oldest is left out. */
  putSound(bytes) {
    this.items.push({ bytes, isSound: true });
    this.sounds += 1;
    if (this.sounds <= MOST_SOUNDS) return;
    this.items.splice(
      this.items.findIndex(({ isSound }) => isSound),
      1,
    );
    this.sounds -= 1;
  }

  take() {
    const { bytes, isSound } = this.items.shift();
    if (isSound) this.sounds -= 1;
    return bytes;
  }

  /** Everything else is told anew over the next connection. */
  keepSound() {
    this.items = this.items.filter(({ isSound }) => isSound);
  }

  clear() {
    this.items = [];
    this.sounds = 0;
  }
}
