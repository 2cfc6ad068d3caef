/** Who said what, as it comes: partial, final, and cut off at the word that was heard last. */

const KEPT = 1000;

export class Transcript {
  constructor() {
    this.entries = []; // {id, who: "you" or "bot", text, final, said, unsaid, at}
    this.lastId = 0;
  }

  get last() {
    return this.entries.at(-1);
  }

  /**
   * The words of the person so far. They may go on after words that seemed to be final, and be
   * final only when the answer has begun.
   */
  hear(text, final, at) {
    const { last } = this;
    const mine = this.entries.findLast(({ who }) => who === "you");
    const goesOn = mine && (!mine.final || (mine === last && text.startsWith(mine.text)));
    return goesOn ? Object.assign(mine, { text, final }) : this.add("you", text, final, at);
  }

  /** What was heard but came to nothing, a cough perhaps, is not kept. */
  forgetPartial() {
    const { length } = this.entries;
    this.entries = this.entries.filter(({ who, final }) => who !== "you" || final);
    return this.entries.length < length;
  }

  /** The next phrase of the answer. */
  answer(text, at) {
    const entry = this.openAnswer;
    if (!entry) return this.add("bot", text, false, at);
    return Object.assign(entry, { text: `${entry.text} ${text}` });
  }

  endAnswer() {
    const entry = this.openAnswer;
    return entry ? Object.assign(entry, { final: true }) : null;
  }

  /** Of the newest answer, only `heard` came to the person's ear. */
  cutOff(heard) {
    const entry = this.entries.findLast(({ who }) => who === "bot");
    return entry ? Object.assign(entry, { final: true, ...split(entry.text, heard) }) : null;
  }

  get openAnswer() {
    return this.entries.findLast(({ who, final }) => who === "bot" && !final);
  }

  /** The last words of the person that an answer was owed for. */
  get question() {
    return this.entries.findLast(({ who, final }) => who === "you" && final)?.text ?? "";
  }

  add(who, text, final, at) {
    this.lastId += 1;
    const entry = { id: this.lastId, who, text, final, said: null, unsaid: null, at };
    this.entries.push(entry);
    if (this.entries.length > KEPT) this.entries.shift();
    return entry;
  }
}

/** By words, since the two need not have the same blanks between them. */
function split(text, heard) {
  const words = text.split(/\s+/).filter(Boolean);
  const count = Math.min(words.length, heard.split(/\s+/).filter(Boolean).length);
  return { said: words.slice(0, count).join(" "), unsaid: words.slice(count).join(" ") };
}
