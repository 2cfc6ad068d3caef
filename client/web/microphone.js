/** The microphone: asked for on a click, given as 16 kHz frames of 20 ms with their level. */

import { MICROPHONE_HZ } from "./rtvi.js";
import { after } from "./player.js";
import { Problem } from "./problems.js";

const WORKLET = new URL("./worklets/capture.js", import.meta.url);

const OPEN_MS = 3000;
const WAKE_MS = 1000;

const REASONS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "no-microphone",
  OverconstrainedError: "no-microphone",
  NotReadableError: "microphone-in-use",
  AbortError: "microphone-in-use",
};

export class Microphone {
  /**
   * `onframe({pcm, rms, peak})` gets each frame; `onlost()` is told when the device is gone;
   * `onquiet(muted)` when the system itself closes the microphone, or opens it again.
   */
  constructor({ onframe, onlost, onquiet }) {
    this.onframe = onframe;
    this.onlost = onlost;
    this.onquiet = onquiet;
    this.stream = null;
    this.context = null;
  }

  get deviceId() {
    return this.stream?.getAudioTracks()[0]?.getSettings().deviceId ?? null;
  }

  get isOpen() {
    return this.stream !== null;
  }

  /** Throws a Problem. A device that is gone gives way to the system's choice. */
  async open(deviceId) {
    this.close();
    if (!window.isSecureContext || !navigator.mediaDevices) throw new Problem("insecure");
    if (!window.AudioWorkletNode) throw new Problem("old-browser");
    try {
      await this.listen(await ask(deviceId));
    } catch (error) {
      this.close();
      if (error instanceof Problem) throw error;
      throw new Problem(REASONS[error.name] ?? "microphone-in-use");
    }
  }

  async listen(stream) {
    this.stream = stream;
    const [track] = stream.getAudioTracks();
    track.onended = () => this.lose(stream);
    track.onmute = () => this.onquiet(true);
    track.onunmute = () => this.onquiet(false);
    await Promise.race([this.tap(stream), after(OPEN_MS)]); // as for the loudspeaker: it may come later
  }

  async tap(stream) {
    const { context, source } = await tapped(stream);
    if (this.stream !== stream) {
      await context.close(); // closed while we waited
      return;
    }
    this.context = context;
    this.node = new AudioWorkletNode(context, "capture", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    this.node.port.onmessage = ({ data }) => this.onframe(data);
    source.connect(this.node);
    context.onstatechange = () => this.wake();
    await this.wake();
  }

  lose(stream) {
    if (this.stream !== stream) return;
    this.close();
    this.onlost();
  }

  /** The system may suspend us: on a phone, for another call. */
  async wake() {
    const { context } = this;
    if (context && context.state !== "running" && context.state !== "closed") {
      // Not before a gesture: `wake` is called on the next. Without a loudspeaker, Firefox never does.
      await Promise.race([context.resume().catch(() => {}), after(WAKE_MS)]);
    }
  }

  /** Silence, with the device still open: for push to talk, where words must not be lost. */
  set gate(open) {
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = open;
  }

  /** Stops the tracks: the browser's own sign says that nothing listens. Frames are silence. */
  mute() {
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = track.onmute = track.onunmute = null;
      track.stop();
    }
  }

  close() {
    const { context, node } = this;
    this.mute();
    this.stream = this.context = this.node = null;
    if (node) node.port.onmessage = null;
    node?.port.postMessage("close");
    if (context) context.onstatechange = null;
    if (context && context.state !== "closed") context.close();
  }
}

async function ask(deviceId) {
  const audio = {
    channelCount: 1,
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
  };
  const chosen = deviceId ? { ...audio, deviceId: { exact: deviceId } } : audio;
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: chosen });
  } catch (error) {
    const gone = error.name === "OverconstrainedError" || error.name === "NotFoundError";
    if (!deviceId || !gone) throw error;
    return navigator.mediaDevices.getUserMedia({ audio });
  }
}

/** Some browsers give a stream only to a context of the device's own rate: we resample then. */
async function tapped(stream) {
  for (const options of [{ sampleRate: MICROPHONE_HZ }, {}]) {
    const context = new AudioContext({ latencyHint: "interactive", ...options });
    try {
      const source = context.createMediaStreamSource(stream);
      await context.audioWorklet.addModule(WORKLET);
      return { context, source };
    } catch (error) {
      await context.close();
      if (error.name !== "NotSupportedError" || !options.sampleRate) throw error;
    }
  }
  throw new Problem("old-browser");
}
