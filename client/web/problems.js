/** What can go wrong, in words: what it is, and how to mend it. The one place that has them. */

const WORDS = {
  refused: [
    "The microphone is blocked for this page",
    "Click the icon beside the address, allow the microphone, then start again. Or type instead.",
  ],
  "no-microphone": [
    "There is no microphone",
    "Plug one in, or switch it on, then start again. Or type instead.",
  ],
  "no-loudspeaker": [
    "There is nothing to play sound on",
    "Plug in or switch on a loudspeaker or headphones, then start again: Firefox hears no microphone without " +
      "one. Until then type, and read the answers.",
  ],
  "microphone-in-use": [
    "Another program has the microphone",
    "Close the other call or recorder (or its tab), then start again. Or type instead.",
  ],
  insecure: [
    "Browsers allow no live sound at this address",
    "Open the page at http://localhost on the server's own machine, or over https: start the " +
      "server with --tls-cert and --tls-key, or put a proxy with TLS before it. Until then you can type.",
  ],
  "microphone-lost": [
    "The microphone was unplugged",
    "Plug it in again or choose another below; until then you can type.",
  ],
  "old-browser": [
    "This browser cannot play or record live sound",
    "Use a current Firefox, Chrome, Edge or Safari. In this one you can type.",
  ],
  silenced: ["The browser holds back the sound", "Click or tap anywhere on the page to hear it."],
  full: ["All lines are busy", "Every place on this server is taken. Try again in a minute."],
  closed: ["The server takes no calls just now", "Try again in a moment."],
  unreachable: [
    "The server does not answer",
    "See that it is running and that you are online, then try again.",
  ],
  token: ["This server asks for its access token", "Start again to enter it."],
  forbidden: [
    "The server does not let this page in",
    "Open the page at the server's own address, or have its operator allow this one.",
  ],
  anew: [
    "This is a new conversation",
    "The server no longer had the one before: what was said stays on the page only.",
  ],
  "too-many": ["Too many calls from this address", "End another one, or wait a minute."],
  "ended-by-server": ["The server ended the call", "Start again to begin a new one."],
  confused: [
    "The page and the server do not understand each other",
    "Reload the page: the server may have been updated.",
  ],
};

/** In place of its mend, for a Problem that stands in the way of coming back to a call. */
export const GOES_ON_TRYING = "The page goes on trying for as long as it is open.";

export class Problem extends Error {
  /** `kind` is one of those above; `detail` is what the server says, if it says something. */
  constructor(kind, detail = "") {
    super(WORDS[kind][0]);
    this.kind = kind;
    this.mend = WORDS[kind][1];
    this.detail = detail;
  }
}
