/** The messages that we send and understand: RTVI 2 in protobuf, and our own inside of it. */

import { decode, encode } from "./protobuf.js";

export const MICROPHONE_HZ = 16000;
export const SPEAKER_HZ = 24000;

const LABEL = "rtvi-ai";
const VERSION = "2.0.0";
const LIBRARY = "halfsecond-web"; // "halfsecond...": we obey flushes and say what was played
const TAGGED = 64; // messages sent before an id comes again

let sent = 0;

function rtvi(type, data) {
  sent += 1;
  const id = `${type}-${sent % TAGGED}`;
  return encode("message", { data: JSON.stringify({ label: LABEL, type, id, data }) });
}

const clientMessage = (t, d) => rtvi("client-message", { t, d });

/** `resume` is the key of the conversation to go on with, if there is one. */
export const clientReady = (resume) =>
  rtvi("client-ready", {
    version: VERSION,
    about: { library: LIBRARY, platform: "web" },
    ...(resume ? { resume } : {}),
  });
export const disconnect = () => rtvi("disconnect-bot", {});
export const typed = (content) =>
  rtvi("send-text", { content, options: { run_immediately: true, audio_response: true } });
/** `at` is when, in seconds of this page's clock: the way to the server takes its time. */
export const played = ({ generation, samples, at }) =>
  clientMessage("played", { generation, samples, at });
export const mute = (muted) => clientMessage("mute", { muted });
export const stopSpeaking = () => clientMessage("stop-speaking", {});
/** `sample` is the first one's place on the microphone's own clock: what is left out can be seen. */
export const microphone = (pcm, sample) =>
  encode("audio", {
    audio: pcm,
    sample_rate: MICROPHONE_HZ,
    num_channels: 1,
    pts: Math.round((sample / MICROPHONE_HZ) * 1e9),
  });

/**
 * What a message from the server says, or null for what does not concern us:
 * `{type: "audio", pcm}` with 16 bit samples, or `{type, ...}` with the fields of its data.
 * Throws where the bytes are not ours to read.
 */
export function understand(bytes) {
  const frame = decode(bytes);
  if (frame?.kind === "audio") return { type: "audio", pcm: samples(frame.audio) };
  if (frame?.kind !== "message") return null;
  const { label, type, data } = JSON.parse(frame.data);
  if (label !== LABEL || typeof type !== "string") return null;
  if (type === "server-message") return typeof data?.type === "string" ? data : null;
  return { ...data, type };
}

function samples(bytes) {
  const pcm = new Int16Array(bytes.length >> 1);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < pcm.length; i += 1) pcm[i] = view.getInt16(2 * i, true);
  return pcm;
}
