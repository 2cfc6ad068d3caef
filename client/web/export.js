/** The conversation and its timings as one JSON file, made on the page and sent nowhere. */

export function record(transcript, rows, { host, begunAt, endedAt }) {
  return {
    format: "halfsecond-call/1",
    host,
    begun_at: begunAt,
    exported_at: endedAt,
    transcript: transcript.entries.map(({ who, text, final, said, at }) => ({
      who: who === "you" ? "user" : "bot",
      text,
      final,
      heard: said ?? (who === "bot" && final ? text : null),
      at,
    })),
    percentiles: { p50_s: rows.percentile(50), p95_s: rows.percentile(95) },
    turns: rows.rows,
  };
}

export function save(content, name) {
  const blob = new Blob([`${JSON.stringify(content, null, 2)}\n`], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
