/** A stranger's page: the stock client, as its own documentation has it. It notes what it is told. */

import { PipecatClient, RTVIEvent } from "@pipecat-ai/client-js";
import { WavMediaManager, WebSocketTransport } from "@pipecat-ai/websocket-transport";

window.told = []; // events and sound, in the order in which they came

window.begin = async (server) => {
  // The transport's own choice fetches code from a host of Daily's; this one is whole.
  const media = new WavMediaManager(512, 16000);
  const client = new PipecatClient({
    transport: new WebSocketTransport({ mediaManager: media }),
    enableMic: true,
    enableCam: false,
  });
  for (const event of Object.values(RTVIEvent)) {
    if (event.endsWith("AudioLevel")) continue;
    client.on(event, (data) => window.told.push({ event, data: plain(data) }));
  }
  const buffer = media.bufferBotAudio.bind(media);
  media.bufferBotAudio = (pcm, id) => {
    window.told.push({ event: "sound", data: { samples: pcm.length, peak: peak(pcm) } });
    return buffer(pcm, id);
  };
  window.client = client;
  return plain(await client.startBotAndConnect({ endpoint: `${server}start`, requestData: {} }));
};

/** Around the client, what its socket would say. */
window.shout = (message) => window.client.transport.sendMessage(message);

const plain = (data) => JSON.parse(JSON.stringify(data ?? null));

function peak(pcm) {
  return pcm.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
}
