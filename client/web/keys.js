/** The keyboard: M mutes, Space talks while it is held, Escape silences the bot. */

const WRITES = "input, textarea, select, [contenteditable]";
const PRESSED_WITH_SPACE = "button:not([aria-keyshortcuts=Space]), summary, a[href]";

/**
 * Whoever came to a button by keyboard presses it with Space; whoever clicked it, talks.
 *
 * `actions`: `{mute(), talk(held), stop(), canTalk()}`.
 */
export function listen(actions) {
  let held = false;
  let clicked = null; // the button that the mouse has left in focus
  const wantsSpace = (target) => target !== clicked && target.matches?.(PRESSED_WITH_SPACE);
  const release = () => {
    if (held) actions.talk(false);
    held = false;
  };
  document.addEventListener(
    "pointerdown",
    ({ target }) => {
      clicked = target.closest?.(PRESSED_WITH_SPACE) ?? null;
    },
    { capture: true },
  );
  document.addEventListener("focusin", ({ target }) => {
    if (target !== clicked) clicked = null;
  });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") actions.stop();
    if (event.target.closest?.(WRITES)) return;
    if (event.key === "m" || event.key === "M") {
      if (!event.repeat) actions.mute();
    } else if (event.key === " " && actions.canTalk() && !wantsSpace(event.target)) {
      event.preventDefault(); // the page would scroll
      if (!held) actions.talk(true);
      held = true;
    }
  });
  document.addEventListener("keyup", (event) => {
    if (event.key !== " " || !held) return;
    event.preventDefault(); // or the clicked button would be pressed
    release();
  });
  window.addEventListener("blur", release);
}
