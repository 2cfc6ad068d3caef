/** The conversation on the page. Words go in as text, never as markup. */

const NEAR_PX = 80;

const NAMES = { you: "You", bot: "Halfsecond" };

export class Captions {
  constructor(list) {
    this.list = list;
    this.items = new Map();
    this.atEnd = true;
    list.addEventListener("scroll", () => {
      this.atEnd = list.scrollHeight - list.clientHeight - list.scrollTop < NEAR_PX;
    });
    new ResizeObserver(() => this.follow()).observe(list); // a keyboard came up, a phone was turned
  }

  /** Shows the entries as they now are; those that are gone disappear. */
  show(entries) {
    const ids = new Set(entries.map(({ id }) => id));
    for (const [id, item] of this.items) {
      if (ids.has(id)) continue;
      item.remove();
      this.items.delete(id);
    }
    for (const entry of entries) this.showEntry(entry);
    this.follow();
  }

  /** The newest words stay in sight, unless the person has scrolled away from them. */
  follow() {
    if (this.atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  showEntry(entry) {
    const seen = JSON.stringify([entry.text, entry.final, entry.unsaid]);
    let item = this.items.get(entry.id);
    if (item?.dataset.seen === seen) return;
    if (!item) {
      item = document.createElement("li");
      this.items.set(entry.id, item);
      this.list.append(item);
    }
    item.dataset.seen = seen;
    item.className = `line ${entry.who}${entry.final ? "" : " partial"}`;
    item.replaceChildren(element("span", NAMES[entry.who], "who"), words(entry));
  }
}

function words({ text, said, unsaid }) {
  if (!unsaid) return element("p", said ?? text);
  const paragraph = element("p", said);
  paragraph.append(said ? " " : "", element("s", unsaid));
  paragraph.append(" ", element("span", "interrupted", "note"));
  return paragraph;
}

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
