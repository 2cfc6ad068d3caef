/** The turns so far, each to be opened, and the figures over all of them. */

import { BUDGET_MS, Rows, ms, verdictOf } from "./ledger.js";
import { bar, waterfall } from "./waterfall.js";

const BAR_MS = 1000;
const SHOWN = 200; // turns in the list; the percentiles and the export have more

export class Turns {
  constructor(elements) {
    Object.assign(this, elements); // list, empty, p50, p95, count
    this.clear();
  }

  clear() {
    this.rows = new Rows();
    this.list.replaceChildren();
    this.showFigures();
  }

  /** False for what is no row. `said` are the words that were answered; they are on this page only. */
  add(row, said) {
    if (!this.rows.add(row)) return false;
    const before = this.list.querySelector("details");
    const item = document.createElement("li");
    const made = turn(row, said);
    item.append(made);
    made.open = before?.open ?? true; // the newest is open, unless the person closed the last one
    if (before) before.open = false;
    this.list.prepend(item);
    while (this.list.children.length > SHOWN) this.list.lastElementChild.remove();
    this.showFigures();
    return true;
  }

  showFigures() {
    const shown = (seconds) => (seconds === null ? "–" : String(ms(seconds)));
    for (const [element, percent] of [
      [this.p50, 50],
      [this.p95, 95],
    ]) {
      const value = this.rows.percentile(percent);
      element.replaceChildren(shown(value), value === null ? "" : unit());
      element.classList.toggle("over", value !== null && ms(value) > BUDGET_MS);
    }
    this.empty.hidden = this.rows.rows.length > 0;
    this.count.textContent = String(this.rows.rows.length);
  }
}

function unit() {
  const made = document.createElement("small");
  made.textContent = " ms";
  return made;
}

function turn(row, said) {
  const made = document.createElement("details");
  made.className = row.verdict.stage ? "turn" : "turn within";
  const summary = document.createElement("summary");
  const wait = ms(row.voice_to_voice_s);
  summary.append(
    text("span", said || `turn ${row.turn}`, "said"),
    text("span", `${wait} ms`, wait > BUDGET_MS ? "took over" : "took"),
    bar(row, BAR_MS),
    text("span", verdictOf(row), "verdict"),
  );
  made.append(summary);
  made.addEventListener("toggle", () => {
    if (made.open && made.children.length === 1) made.append(waterfall(row));
  });
  return made;
}

function text(name, content, className) {
  const made = document.createElement(name);
  made.textContent = content;
  made.className = className;
  return made;
}
