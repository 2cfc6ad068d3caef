/** Asks the server for a call: POST /start, with the access token where one is wanted. */

import { Problem } from "./problems.js";

const TOKEN = "halfsecond.token";
export const BUSY = "all lines are busy"; // the server's words for `full`; other refusals pass

/** Kept until the tab is closed. */
export const token = {
  get: () => sessionStorage.getItem(TOKEN) ?? "",
  set: (value) => sessionStorage.setItem(TOKEN, value),
  forget: () => sessionStorage.removeItem(TOKEN),
};

/** The address of the WebSocket. `resume` is the key of the call to go on with. Throws a Problem. */
export async function start(resume, signal) {
  const answer = await knock(resume, signal);
  const body = await answer.json().catch(() => ({}));
  const said = String(body.error ?? body.detail ?? "");
  if (answer.ok && typeof body.wsUrl === "string") return body.wsUrl;
  if (answer.status === 401) throw new Problem("token");
  if (answer.status === 403) throw new Problem("forbidden", said);
  if (answer.status === 429) throw new Problem("too-many", said);
  if (answer.status === 503) throw said === BUSY ? new Problem("full") : new Problem("closed", said);
  throw new Problem(answer.status >= 500 ? "closed" : "confused", said || String(answer.status));
}

async function knock(resume, signal) {
  const headers = { "Content-Type": "application/json" };
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`;
  try {
    return await fetch(new URL("start", document.baseURI), {
      method: "POST",
      headers,
      body: JSON.stringify(resume ? { resume } : {}),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("unreachable");
  }
}
