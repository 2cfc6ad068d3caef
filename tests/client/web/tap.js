/**
 * What a page's microphone and loudspeaker carry, noted by the tests: `window.tapped`.
 *
 * Every block of the graph that is audible, with its first and last loud sample, in milliseconds of
 * `performance.now()`: of the loudspeaker when the browser says that it leaves the device, of the
 * microphone when it came in. And what the socket brought, when the browser had it.
 */

window.tapped = { speaker: [], microphone: [], messages: [] };

const WORKLET = `
registerProcessor("tap", class extends AudioWorkletProcessor {
  process([[input]]) {
    const at = Date.now();
    const loud = (one) => Math.abs(one) > 10 ** (-45 / 20); // audible, as in playout.py
    if (input && input.some(loud)) {
      const from = currentFrame + input.findIndex(loud);
      this.port.postMessage({ from, to: currentFrame + input.findLastIndex(loud), at });
    }
    return true;
  }
});
`;
const worklet = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));

const addModule = AudioWorklet.prototype.addModule;
AudioWorklet.prototype.addModule = async function (url) {
  await addModule.call(this, url);
  await addModule.call(this, worklet);
};

const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode) tap(this, heardAt, window.tapped.speaker);
  if (this instanceof MediaStreamAudioSourceNode) tap(this, cameAt, window.tapped.microphone);
  return connect.call(this, target, ...rest);
};

function tap(node, when, list) {
  const { context } = node;
  const made = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0, channelCount: 1 });
  made.port.onmessage = ({ data }) => {
    list.push({ from: when(context, data.from, data), to: when(context, data.to, data) });
  };
  connect.call(node, made);
}

/** As the browser maps its own frames to the device. */
function heardAt(context, frame) {
  const { contextTime, performanceTime } = context.getOutputTimestamp();
  return performanceTime + 1000 * (frame / context.sampleRate - contextTime);
}

function cameAt(_context, _frame, { at }) {
  return at - performance.timeOrigin;
}

const Socket = window.WebSocket;
window.WebSocket = class extends Socket {
  constructor(...args) {
    super(...args);
    this.addEventListener("message", ({ data, timeStamp }) => {
      const text = new TextDecoder().decode(data);
      const at = timeStamp || performance.now();
      const json = text.indexOf('{"label"');
      if (json >= 0) window.tapped.messages.push({ at, ...JSON.parse(text.slice(json)) });
    });
  }
};
