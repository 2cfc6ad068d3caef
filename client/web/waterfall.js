/** One turn, opened: each part of the wait in its place, and under it the work that was hidden. */

import { BUDGET_MS, ms, stairs, verdictOf } from "./ledger.js";

const BEFORE_MS = 600; // of the time in which the person still spoke
const SHOWN_MS = 0.5;
const NAMED = 18; // percent of the width that a mark's name needs on its left
const SHOWN_FACTS = { stt: "ears", llm: "LLM", tts: "voice", profile: "profile" };

export class Scale {
  constructor(fromMs, toMs) {
    this.fromMs = fromMs;
    this.toMs = toMs;
  }

  /** Of the width, from 0 to 100, whatever lies outside at the edge. */
  at(timeMs) {
    const share = (timeMs - this.fromMs) / (this.toMs - this.fromMs);
    return 100 * Math.min(1, Math.max(0, share));
  }
}

/** The wait as one bar, for the list: its parts, and where the budget ends. */
export function bar(row, toMs) {
  const scale = new Scale(0, toMs);
  const whole = box("bar");
  for (const { key, from, to } of stairs(row)) {
    if (to > from) whole.append(placed(`seg seg-${key}`, scale, from, to));
  }
  whole.append(line("budget-line", scale, BUDGET_MS));
  return whole;
}

/** Everything about a turn; `row` as the server's ledger writes it. */
export function waterfall(row) {
  const whole = box("waterfall");
  whole.append(table(row), notes(row));
  return whole;
}

function table(row) {
  const steps = stairs(row);
  const waitMs = row.voice_to_voice_s * 1000;
  const starts = steps.flatMap(({ spans }) => spans.map((span) => span.start_s * 1000));
  const scale = new Scale(
    Math.max(-BEFORE_MS, Math.min(0, ...starts)),
    1.04 * Math.max(BUDGET_MS, waitMs),
  );
  const made = document.createElement("table");
  made.append(head(scale, row), body(steps, scale, row, waitMs), foot(scale, waitMs));
  return made;
}

function head(scale, row) {
  const cells = document.createElement("tr");
  const drawing = cell("td", "", "drawing"); // no header: it would have no text
  drawing.append(axis(scale, row));
  cells.append(cell("th", "part"), drawing, cell("th", "waited"), cell("th", "hidden"));
  const made = document.createElement("thead");
  made.append(cells);
  return made;
}

function axis(scale, row) {
  const made = box("axis");
  made.setAttribute("aria-hidden", "true");
  const ends = row.end_measured_at === "client" ? "heard" : "sent";
  for (const [timeMs, text, className] of [
    [0, "you stopped", scale.at(0) > NAMED ? "mark left" : "mark"],
    [row.voice_to_voice_s * 1000, ends, "mark end"],
  ]) {
    const mark = line(className, scale, timeMs);
    mark.append(cell("span", text));
    if (scale.at(timeMs) > 60) mark.classList.add("left");
    made.append(mark);
  }
  return made;
}

function body(steps, scale, row, waitMs) {
  const made = document.createElement("tbody");
  const decidedMs = steps.find(({ key }) => key === "turn").to;
  for (const step of steps) {
    const cells = document.createElement("tr");
    if (step.to - step.from >= SHOWN_MS && overspent(step.key, row)) cells.className = "overspent";
    const drawing = cell("td", "", "drawing");
    drawing.append(lane(step, scale, { decidedMs, waitMs }));
    const name = cell("th", step.name);
    name.scope = "row";
    cells.append(
      name,
      drawing,
      cell("td", figure(step.to - step.from)),
      cell("td", figure(step.hidden)),
    );
    made.append(cells);
  }
  return made;
}

const PAYS_FOR = {
  endpointing: ["endpointing", "turn"],
  transport: ["send", "played"],
};

function overspent(key, { verdict }) {
  return (PAYS_FOR[verdict.stage] ?? [verdict.stage]).includes(key);
}

function figure(timeMs) {
  return timeMs >= SHOWN_MS ? String(Math.round(timeMs)) : "–";
}

/** What was waited for on top, what was worked on beneath. */
function lane({ key, from, to, spans }, scale, { decidedMs, waitMs }) {
  const made = box("lane");
  made.setAttribute("aria-hidden", "true");
  made.append(
    line("zero", scale, 0),
    line("decided", scale, decidedMs),
    line("budget-line", scale, BUDGET_MS),
    line("end", scale, waitMs),
  );
  if (to > from) made.append(placed(`seg seg-${key}`, scale, from, to));
  for (const { start_s, end_s, kind, withdrawn } of spans) {
    const [start, end] = [start_s * 1000, end_s * 1000];
    if (end < scale.fromMs || start > scale.toMs) continue;
    const why = `work seg-${key} ${kind}${withdrawn ? " withdrawn" : ""}`;
    made.append(placed(why, scale, start, end));
  }
  return made;
}

function foot(scale, waitMs) {
  const cells = document.createElement("tr");
  const drawing = cell("td", "", "drawing");
  const made = box("axis below");
  made.setAttribute("aria-hidden", "true");
  const budget = line("mark budget-mark", scale, BUDGET_MS);
  budget.append(cell("span", `${BUDGET_MS} ms`));
  if (scale.at(BUDGET_MS) > 60) budget.classList.add("left");
  made.append(budget);
  drawing.append(made);
  const total = cell("td", figure(waitMs), "total");
  cells.append(cell("th", "the wait"), drawing, total, cell("td", ""));
  const foot = document.createElement("tfoot");
  foot.append(cells);
  return foot;
}

function notes(row) {
  const made = box("notes");
  const shown = Object.entries(SHOWN_FACTS)
    .filter(([key]) => row.facts[key] !== null && row.facts[key] !== undefined)
    .map(([key, name]) => `${name} ${row.facts[key]}`);
  const idle = ms(row.unattributed_s);
  const lines = idle > 0 ? [`No stage was at work in ${idle} ms of the wait.`] : [];
  if (row.end_measured_at !== "client") lines.push("Measured to the socket, not to the ear.");
  const withdrawn = row.facts.withdrawn_replies ?? 0;
  if (withdrawn > 0) {
    lines.push(`${withdrawn} ${withdrawn === 1 ? "answer was" : "answers were"} begun and withdrawn.`);
  }
  made.append(key(row), cell("p", lines.join(" ")), cell("p", shown.join(" · "), "facts"));
  return made;
}

/** What the drawing's strokes mean. */
function key({ spans }) {
  const made = cell("p", "", "key");
  for (const [className, text] of [
    ["seg", "waited for"],
    ["work busy", "at work"],
    ["work wait", "on purpose"],
    ["work withdrawn", "withdrawn"],
  ]) {
    if (text === "withdrawn" && !spans.some((span) => span.withdrawn)) continue;
    const sample = cell("span", "", className);
    const entry = cell("span", text);
    entry.prepend(sample);
    made.append(entry);
  }
  return made;
}

function placed(className, scale, fromMs, toMs) {
  const made = box(className);
  const left = scale.at(fromMs);
  made.style.left = `${left}%`;
  made.style.width = `${Math.max(0.4, scale.at(toMs) - left)}%`;
  return made;
}

function line(className, scale, timeMs) {
  const made = box(className);
  made.style.left = `${scale.at(timeMs)}%`;
  return made;
}

function box(className) {
  return cell("div", "", className);
}

function cell(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
