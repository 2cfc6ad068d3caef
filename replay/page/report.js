const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const COLOURS = data.segments.map((_, at) => `var(--c${at})`);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const ms = (s) => `${Math.round(s * 1000)} ms`;
const latest = data.runs[data.runs.length - 1];

function made(tag, text, attributes = {}) {
  const one = document.createElement(tag);
  if (text !== undefined) one.textContent = text;
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
  return one;
}
function drawn(tag, attributes = {}, text) {
  const one = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
  if (text !== undefined) one.textContent = text;
  return one;
}

// ---- what came out ----

function told() {
  $("made").textContent = data.runs.map(({ name, made: how }) =>
    [name, how.mode, how.code, how.at && how.at.replace("T", " ").slice(0, 16)].filter(Boolean).join(" · "),
  ).join("   →   ");
  if (data.runs.length === 2 || data.broken.length) {
    const gate = made("div", undefined, { class: data.broken.length ? "gate broken" : "gate" });
    gate.append(made("strong", data.broken.length ? "The gate does not open." : "The gate opens."));
    for (const line of data.broken) gate.append(made("div", line));
    $("verdict").append(gate);
  }
  const list = made("ul");
  for (const line of data.sentences) list.append(made("li", line));
  $("verdict").append(list);
}

function figures() {
  const heads = data.runs.length === 2
    ? ["stage", "before p50", "p95", "after p50", "p95", "a turn", "95 % interval", ""]
    : ["stage", "turns", "p50", "p95", "p99", "of it waited for (mean)"];
  const head = made("tr");
  for (const text of heads) head.append(made("th", text, { scope: "col" }));
  $("figures").append(head);
  for (const row of data.table) {
    const line = made("tr", undefined, { class: data.runs.length === 2 ? row[row.length - 1] : "" });
    for (const text of row) line.append(made("td", text));
    $("figures").append(line);
  }
}

// ---- distributions ----

function quantile(sorted, share) {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
function spread() {
  const rows = [["v2v", data.runs.map((run) => run.v2v)]];
  for (const stage of data.stages) rows.push([stage, data.runs.map((run) => run.took[stage])]);
  const shown = rows.filter(([, sets]) => sets.some((set) => set.length));
  const width = 1000, left = 190, lane = 13, gap = 14;
  const most = Math.max(0.1, ...shown.flatMap(([, sets]) => sets.flat())) * 1.03;
  const x = (s) => left + (s / most) * (width - left - 20);
  const height = shown.length * (data.runs.length * lane + gap) + 26;
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": "Distribution of each stage's time" });
  const step = [0.05, 0.1, 0.2, 0.25, 0.5, 1, 2].find((one) => most / one <= 9) ?? 5;
  for (let at = 0; at <= most; at += step) {
    svg.append(drawn("line", { x1: x(at), x2: x(at), y1: 0, y2: height - 18, stroke: css("--rule") }));
    svg.append(drawn("text", { x: x(at), y: height - 4, "text-anchor": "middle" }, ms(at)));
  }
  let y = 6;
  for (const [stage, sets] of shown) {
    svg.append(drawn("text", { x: left - 12, y: y + (sets.length * lane) / 2 + 4, "text-anchor": "end",
      class: "figure" }, data.names[stage] ?? stage));
    sets.forEach((set, at) => {
      const middle = y + at * lane + lane / 2;
      const colour = data.runs.length === 2 && at === 0 ? css("--soft") : css("--caller");
      const sorted = [...set].sort((a, b) => a - b);
      if (sorted.length) {
        const low = quantile(sorted, 0.05), high = quantile(sorted, 0.95);
        svg.append(drawn("rect", { x: x(low), width: Math.max(2, x(high) - x(low)), y: middle - 4, height: 8,
          rx: 4, fill: colour, opacity: 0.22 }));
        for (const value of sorted) svg.append(drawn("circle", { cx: x(value), cy: middle, r: 2.4,
          fill: colour, opacity: 0.55 }));
        const half = quantile(sorted, 0.5);
        svg.append(drawn("line", { x1: x(half), x2: x(half), y1: middle - 6, y2: middle + 6, stroke: colour,
          "stroke-width": 2.5 }));
        svg.append(drawn("title", {}, ms(half)));
      }
    });
    y += sets.length * lane + gap;
  }
  $("spread").append(svg);
}

// ---- the waterfall of one turn ----

const WORK = { endpointing: "endpointing", stt: "stt", turn: "turn", llm: "llm_first_token",
  phrasing: "first_clause", tts: "tts_first_audio", send: "send", play: "played" };
const ROW = 15;

function spansOf(turn) {
  return turn.spans.filter((span) => WORK[span.stage] && !(span.stage === "stt" && span.end_s < -0.3));
}

/** From and to, in seconds from the end of speech: the same for turns that stand below each other. */
function reach(turns) {
  const starts = turns.flatMap((turn) => spansOf(turn).map((span) => Math.max(span.start_s, -0.6)));
  const ends = turns.flatMap((turn) => [turn.v2v_s,
    ...spansOf(turn).map((span) => Math.min(span.end_s, turn.v2v_s + 0.4))]);
  return [Math.min(-0.05, ...starts), Math.max(0.2, ...ends) + 0.06];
}

function waterfall(turn, [from, to], className) {
  const spans = spansOf(turn);
  const width = 900, left = 118;
  const x = (s) => left + ((Math.max(from, Math.min(to, s)) - from) / (to - from)) * (width - left - 8);
  const stages = data.segments.filter((name) => turn.waited[name] >= 0.0005
    || spans.some((span) => WORK[span.stage] === name && span.end_s - span.start_s >= 0.0005));
  const height = ROW * (stages.length + 1) + 20;
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, class: className, role: "img",
    "aria-label": `Turn ${turn.number}: ${ms(turn.v2v_s)}` });
  svg.append(drawn("line", { x1: x(0), x2: x(0), y1: 0, y2: height - 14, stroke: css("--soft") }));
  svg.append(drawn("text", { x: x(0), y: height - 2, "text-anchor": "middle" }, "speech ends"));
  svg.append(drawn("line", { x1: x(turn.v2v_s), x2: x(turn.v2v_s), y1: 0, y2: height - 14,
    stroke: css("--soft") }));
  const atEdge = x(turn.v2v_s) > width - 80;
  svg.append(drawn("text", { x: atEdge ? width : x(turn.v2v_s), y: height - 2,
    "text-anchor": atEdge ? "end" : "middle" }, `answer heard, ${ms(turn.v2v_s)}`));
  let begin = 0;
  for (const name of data.segments) {
    const length = turn.waited[name];
    const bar = drawn("rect", { x: x(begin), width: Math.max(0, x(begin + length) - x(begin)), y: 2,
      height: ROW - 4, fill: COLOURS[data.segments.indexOf(name)] });
    bar.append(drawn("title", {}, `${data.names[name]}: ${ms(length)} of the wait`));
    svg.append(bar);
    begin += length;
  }
  svg.append(drawn("text", { x: left - 8, y: ROW - 4, "text-anchor": "end", class: "figure" }, "the wait"));
  stages.forEach((name, at) => {
    const y = ROW * (at + 1) + 4;
    const colour = COLOURS[data.segments.indexOf(name)];
    const label = turn.took[name] !== undefined ? ms(turn.took[name]) : ms(turn.waited[name]);
    svg.append(drawn("text", { x: left - 8, y: y + 9, "text-anchor": "end" }, `${SHORT[name]} ${label}`));
    let start = 0;
    for (const other of data.segments) { if (other === name) break; start += turn.waited[other]; }
    const end = start + turn.waited[name];
    for (const span of spans.filter((one) => WORK[one.stage] === name)) {
      if (span.end_s < from) continue;
      const bar = drawn("rect", { x: x(span.start_s), width: Math.max(1.5, x(span.end_s) - x(span.start_s)),
        y, height: ROW - 6, fill: span.withdrawn ? "none" : colour, stroke: colour,
        opacity: span.kind === "wait" ? 0.35 : 0.9,
        ...(span.withdrawn ? { "stroke-dasharray": "3 2" } : {}) });
      bar.append(drawn("title", {}, `${data.names[name]}: ${ms(span.end_s - span.start_s)}`
        + (span.withdrawn ? ", for an answer that was withdrawn" : span.kind === "wait" ? ", waited on purpose" : "")));
      svg.append(bar);
      const hidden = [[span.start_s, Math.min(span.end_s, start)], [Math.max(span.start_s, end), span.end_s]];
      if (!span.withdrawn && span.kind !== "wait") for (const [a, b] of hidden) {
        if (b - a > 0.001) svg.append(drawn("rect", { x: x(a), width: x(b) - x(a), y, height: ROW - 6,
          fill: "url(#hatch)" }));
      }
    }
    if (!spans.some((one) => WORK[one.stage] === name)) svg.append(drawn("rect", { x: x(start),
      width: Math.max(1.5, x(end) - x(start)), y, height: ROW - 6, fill: colour }));
  });
  return svg;
}
const SHORT = { endpointing: "decide", stt: "words", turn: "turn model", llm_first_token: "first token",
  first_clause: "clause", tts_first_audio: "voice", send: "send", played: "to the ear" };

function hatch() {
  const svg = drawn("svg", { width: 0, height: 0, "aria-hidden": "true", style: "position:absolute" });
  const pattern = drawn("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(45)" });
  pattern.append(drawn("rect", { width: 2, height: 5, fill: css("--card"), opacity: 0.75 }));
  svg.append(pattern);
  document.body.append(svg);
}

// ---- everything turn by turn ----

function legend() {
  data.segments.forEach((name, at) => {
    const one = made("li");
    const dot = made("i");
    dot.style.background = `var(--c${at})`;
    one.append(dot, data.names[name]);
    $("legend").append(one);
  });
}

function turnLine(turn, before, picture, play) {
  const line = made("li");
  const wait = made("div", ms(turn.v2v_s), { class: "wait" });
  if (before) {
    const apart = Math.round((turn.v2v_s - before.v2v_s) * 1000);
    wait.append(made("small", `${apart >= 0 ? "+" : ""}${apart} ms`));
  } else wait.append(made("small", turn.verdict));
  const words = made("div");
  if (turn.transcript) words.append(said("caller", turn.transcript));
  if (turn.answer) words.append(said("bot", turn.answer, turn.heard));
  const show = made("button", "show");
  show.addEventListener("click", () => {
    picture.look(turn.ended_s - 0.8, turn.answered_s + 0.8);
    picture.canvas.scrollIntoView({ block: "nearest" });
    if (play) play(Math.max(0, turn.ended_s - 0.8));
  });
  const left = made("div");
  left.append(wait, show);
  const scale = reach(before ? [before, turn] : [turn]);
  if (before) words.append(made("p", "before", { class: "hint" }), waterfall(before, scale, "before"),
    made("p", "after", { class: "hint" }));
  words.append(waterfall(turn, scale, ""));
  line.append(left, words);
  return line;
}

function said(who, text, heard) {
  const line = made("p");
  line.append(made("span", who, { class: "who" }));
  if (heard === null || heard === undefined) line.append(text);
  else {
    line.append(heard);
    const rest = text.startsWith(heard) ? text.slice(heard.length) : "";
    line.append(made("span", rest, { class: "unheard", title: "cut off: not heard" }));
  }
  return line;
}

const counted = (count, one, several) => `${count} ${count === 1 ? one : several}`;

/** What was wrong with it, by its labels. */
function faults({ cut_ins_s: cut, noticed_cut_ins: noticed, missed_s: missed, late_stops_s: late, failed }) {
  return [cut.length && `${counted(cut.length, "cut-in", "cut-ins")}, ${noticed} noticed`, missed.length && `${missed.length} missed`,
    late.length && counted(late.length, "late stop", "late stops"), failed].filter(Boolean).join(", ");
}
const slowest = (played) => Math.max(0, ...played.turns.map((turn) => turn.v2v_s));

function call(played, open) {
  const box = made("details", undefined, { class: "call" });
  const title = made("summary");
  title.append(made("strong", played.name),
    made("small", `${Math.round(played.lasts_s)} s, ${counted(played.turns.length, "turn", "turns")}`
      + (played.turns.length > 1 ? ", the longest wait " : ", ") + ms(slowest(played))));
  if (faults(played)) title.append(made("small", faults(played), { class: "error" }));
  box.append(title);
  box.addEventListener("toggle", () => { if (box.childElementCount === 1) fill(box, played); });
  box.open = open;
  return box;
}

function fill(box, played) {
  const canvas = made("canvas", undefined, { "aria-label": `Both sides of ${played.name}`, role: "img" });
  const play = listener(played);
  const picture = new Picture(canvas, played, play);
  const buttons = made("div", undefined, { class: "buttons" });
  const whole = made("button", "whole call");
  whole.addEventListener("click", () => picture.look(0, played.lasts_s));
  buttons.append(whole);
  if (play) {
    const pause = made("button", "stop");
    pause.addEventListener("click", () => play.audio.pause());
    buttons.append(pause);
    const follow = () => {
      picture.cursor = play.audio.paused ? null : play.audio.currentTime;
      picture.draw();
      if (!play.audio.paused) requestAnimationFrame(follow);
    };
    for (const kind of ["play", "pause", "ended"]) play.audio.addEventListener(kind, follow);
  }
  const lines = made("ol", undefined, { class: "turns" });
  for (const turn of played.turns) {
    const pair = data.pairs.find(([name, , after]) => name === played.name && after === turn.number);
    const first = pair && data.runs[0].played.find((one) => one.name === played.name);
    const before = first && first.turns.find((one) => one.number === pair[1]);
    lines.append(turnLine(turn, before, picture, play));
  }
  box.append(buttons, canvas, lines);
}

const FEW = 4;
const ORDERS = { "as played": () => 0, "slowest first": (a, b) => slowest(b) - slowest(a),
  "faults first": (a, b) => Boolean(faults(b)) - Boolean(faults(a)) };

function calls() {
  const boxes = new Map(latest.played.map((played) => [played, call(played, latest.played.length <= FEW)]));
  const order = (by) => $("calls").replaceChildren(...[...boxes.keys()].sort(by).map((one) => boxes.get(one)));
  order(ORDERS["as played"]);
  if (boxes.size <= FEW) return;
  for (const [name, by] of Object.entries(ORDERS)) {
    const button = made("button", name);
    button.addEventListener("click", () => order(by));
    $("orders").append(button);
  }
}

told();
figures();
hatch();
spread();
legend();
calls();
