/** The dial: once around is a second, the right half is the budget. It runs while you wait. */

import { stairs } from "./ledger.js";

const SVG = "http://www.w3.org/2000/svg";
const RING = 128; // radius, in a box of 320
const CONE = 84;
const ROUND_MS = 1000;
const TICK_MS = 50;

export class Dial {
  constructor(root) {
    this.root = root;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.since = null;
    this.svg = make("svg", { viewBox: "0 0 320 320", "aria-hidden": "true" });
    this.svg.append(...track(), ...ticks(), ...numerals());
    this.arcs = make("g", {});
    this.cone = make("circle", { cx: 160, cy: 160, r: CONE, class: "cone" });
    this.hand = make("line", { x1: 160, y1: 46, x2: 160, y2: 18, class: "hand" });
    this.svg.append(this.arcs, this.cone, this.hand);
    root.prepend(this.svg);
  }

  /** The hand runs, from so long ago. */
  run(elapsedMs) {
    this.arcs.replaceChildren();
    this.since = performance.now() - elapsedMs;
    if (!this.still.matches) requestAnimationFrame(() => this.step());
  }

  step() {
    if (this.since === null) return;
    this.point(performance.now() - this.since);
    requestAnimationFrame(() => this.step());
  }

  /** Where it is. */
  halt() {
    this.since = null;
  }

  reset() {
    this.halt();
    this.arcs.replaceChildren();
    this.point(0);
  }

  point(ms) {
    const turn = (Math.min(ms, ROUND_MS) / ROUND_MS) * 360;
    this.hand.setAttribute("transform", `rotate(${turn} 160 160)`);
  }

  /** What the wait was made of. */
  show(row) {
    this.halt();
    const parts = stairs(row).filter(({ from, to }) => to > from && from < ROUND_MS);
    this.arcs.replaceChildren(
      ...parts.map(({ key, from, to }) => arc(from, Math.min(to, ROUND_MS), `arc seg-${key}`)),
    );
    this.point(row.voice_to_voice_s * 1000);
  }

  /** From 0 to 1: whoever speaks moves it. */
  sound(level) {
    if (!this.still.matches) this.cone.setAttribute("r", (CONE + 12 * level).toFixed(1));
  }
}

function track() {
  return [arc(0, 500, "track budget"), arc(500, 1000, "track over")];
}

function arc(fromMs, toMs, className) {
  const length = ((toMs - fromMs) / ROUND_MS) * 100;
  return make("circle", {
    cx: 160,
    cy: 160,
    r: RING,
    pathLength: 100,
    class: className,
    "stroke-dasharray": `${length} ${100 - length}`,
    transform: `rotate(${(fromMs / ROUND_MS) * 360 - 90} 160 160)`,
  });
}

function* ticks() {
  for (let at = 0; at < ROUND_MS; at += TICK_MS) {
    const long = at % 250 === 0;
    yield make("line", {
      x1: 160,
      y1: long ? 5 : 10,
      x2: 160,
      y2: 16,
      class: long ? "tick long" : "tick",
      transform: `rotate(${(at / ROUND_MS) * 360} 160 160)`,
    });
  }
}

function* numerals() {
  for (const [text, x, y] of [["250", 267, 164], ["500", 160, 274], ["750", 53, 164]]) {
    const numeral = make("text", { x, y, class: "numeral" });
    numeral.textContent = text;
    yield numeral;
  }
}

function make(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
