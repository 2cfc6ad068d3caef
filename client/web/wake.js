/** Keeps the screen on during a call, where the browser can. */

export class WakeLock {
  constructor() {
    this.wanted = false;
    this.lock = null;
    // The browser lets go of it whenever the page is hidden.
    document.addEventListener("visibilitychange", () => this.take());
  }

  want(wanted) {
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    if (wanted) this.take();
    else this.release();
  }

  async take() {
    if (!this.wanted || document.visibilityState !== "visible" || !navigator.wakeLock) return;
    try {
      this.release();
      this.lock = await navigator.wakeLock.request("screen");
      if (!this.wanted) this.release();
    } catch {
      this.lock = null; // a battery that is low: the call goes on without
    }
  }

  release() {
    this.lock?.release();
    this.lock = null;
  }
}
