// Both sides of a call: what it looked like, and to listen to.

function loudness(base64) {
  const text = atob(base64);
  return Uint8Array.from(text, (one) => one.charCodeAt(0));
}

class Picture {
  constructor(canvas, played, player) {
    this.canvas = canvas;
    this.played = played;
    this.player = player;
    this.sides = played.peaks.map(loudness);
    this.from = 0;
    this.to = Math.max(1, played.lasts_s);
    this.cursor = null;
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("wheel", (event) => this.zoom(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.grab(event));
    canvas.tabIndex = 0;
    canvas.addEventListener("keydown", (event) => this.key(event));
  }
  get span() { return this.to - this.from; }
  x(s) { return ((s - this.from) / this.span) * this.canvas.clientWidth; }
  at(event) { return this.from + (event.offsetX / this.canvas.clientWidth) * this.span; }
  look(from, to) {
    const span = Math.min(Math.max(0.4, to - from), Math.max(1, this.played.lasts_s));
    this.from = Math.min(Math.max(0, from), Math.max(0, this.played.lasts_s - span));
    this.to = this.from + span;
    this.draw();
  }
  zoom(event) {
    if (!event.ctrlKey && Math.abs(event.deltaY) < Math.abs(event.deltaX)) return;
    event.preventDefault();
    this.scale(this.at(event), Math.exp(event.deltaY / 400));
  }
  scale(at, factor) { this.look(at - (at - this.from) * factor, at + (this.to - at) * factor); }
  key(event) {
    const middle = (this.from + this.to) / 2, step = this.span / 5;
    const moves = { "+": () => this.scale(middle, 0.7), "-": () => this.scale(middle, 1.4),
      ArrowLeft: () => this.look(this.from - step, this.to - step),
      ArrowRight: () => this.look(this.from + step, this.to + step) };
    if (moves[event.key]) { event.preventDefault(); moves[event.key](); }
  }
  grab(event) {
    const { from, to } = this, x = event.offsetX;
    let moved = false;
    const move = (one) => {
      moved ||= Math.abs(one.offsetX - x) > 3;
      const by = ((x - one.offsetX) / this.canvas.clientWidth) * this.span;
      if (moved) this.look(from + by, to + by);
    };
    const up = (one) => {
      this.canvas.removeEventListener("pointermove", move);
      if (!moved && this.player) this.player(this.at(one));
    };
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.addEventListener("pointermove", move);
    this.canvas.addEventListener("pointerup", up, { once: true });
  }
  draw() {
    const { canvas } = this, width = canvas.clientWidth, height = 150, dense = devicePixelRatio || 1;
    canvas.width = width * dense;
    canvas.height = height * dense;
    canvas.style.height = `${height}px`;
    const ink = canvas.getContext("2d");
    ink.scale(dense, dense);
    const middle = height / 2;
    for (const turn of this.played.turns) this.wait(ink, turn, height);
    this.sides.forEach((side, at) => {
      ink.fillStyle = css(at ? "--bot" : "--caller");
      const rate = 50;
      for (let x = 0; x < width; x += 1) {
        const first = Math.floor((this.from + (x / width) * this.span) * rate);
        const last = Math.max(first + 1, Math.floor((this.from + ((x + 1) / width) * this.span) * rate));
        let loud = 0;
        for (let one = first; one < last && one < side.length; one += 1) loud = Math.max(loud, side[one]);
        const tall = Math.sqrt(loud / 255) * (middle - 20);
        if (tall > 0.5) ink.fillRect(x, at ? middle + 1 : middle - 1 - tall, 1, tall);
      }
    });
    ink.fillStyle = css("--rule");
    ink.fillRect(0, middle - 0.5, width, 1);
    ink.fillStyle = css("--bad");
    for (const [marks, text] of [[this.played.cut_ins_s, "cut in"], [this.played.missed_s, "missed"],
      [this.played.late_stops_s, "late stop"]]) for (const at of marks) {
      ink.fillRect(this.x(at), 16, 1.5, height - 32);
      ink.fillText(text, this.x(at) + 4, height - 22);
    }
    this.ruler(ink, width, height);
    if (this.cursor !== null) {
      ink.fillStyle = css("--bad");
      ink.fillRect(this.x(this.cursor), 0, 1.5, height);
    }
  }
  wait(ink, turn, height) {
    let begin = turn.ended_s;
    data.segments.forEach((name, at) => {
      const length = turn.waited[name];
      ink.fillStyle = css(`--c${at}`);
      ink.globalAlpha = 0.3;
      ink.fillRect(this.x(begin), 0, Math.max(0, this.x(begin + length) - this.x(begin)), height - 16);
      ink.globalAlpha = 1;
      ink.fillRect(this.x(begin), height / 2 - 3, Math.max(0, this.x(begin + length) - this.x(begin)), 6);
      begin += length;
    });
    ink.fillStyle = css("--ink");
    ink.font = "12px system-ui, sans-serif";
    const text = `${turn.number}: ${ms(turn.v2v_s)}`;
    const x = Math.min(this.x(turn.ended_s) + 3, this.canvas.clientWidth - ink.measureText(text).width - 4);
    if (this.x(turn.ended_s) > -40 && this.x(turn.ended_s) < this.canvas.clientWidth) ink.fillText(text, x, 12);
  }
  ruler(ink, width, height) {
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60].find((one) => (one / this.span) * width > 70) ?? 120;
    ink.fillStyle = css("--soft");
    ink.font = "11px system-ui, sans-serif";
    for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) {
      ink.fillRect(this.x(at), height - 16, 1, 4);
      ink.fillText(`${+at.toFixed(1)} s`, this.x(at) + 3, height - 4);
    }
  }
}

function listener(played) {
  if (!played.sound) return null;
  const audio = new Audio(`data:audio/flac;base64,${played.sound}`);
  const play = (at) => { audio.currentTime = at; audio.play(); };
  play.audio = audio;
  return play;
}
