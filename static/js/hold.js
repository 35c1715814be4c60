/**
 * Lists that stand still, so that no row jumps away under who points at it.
 *
 *   held("feed")          whether the list with this id stands still now
 *   whenReleased(call)    call() when some list may move again
 *   settle()              called each second: nobody points for ever
 *
 * A list is <ol id data-hold>. It stands still while a mouse moves over it or the keyboard is in it,
 * and all of them while <button id="pause"> is pressed, which #paused then says.
 */

import { clock } from "./clock.js";

// A mouse that was left lying on a list must not stop it for good.
const IDLE_MS = 30_000;

let paused = false;
/** @type {Map<string, number>} when somebody last moved in a list */
const pointed = new Map();
/** @type {(() => void)[]} */
const calls = [];

/** @param {string} list */
export function held(list) {
  return paused || pointed.has(list);
}

/** @param {() => void} call */
export function whenReleased(call) {
  calls.push(call);
}

export function settle() {
  for (const [list, at] of pointed) {
    if (performance.now() - at > IDLE_MS) release(list);
  }
}

/** @param {string} list */
function release(list) {
  if (pointed.delete(list)) tell();
}

function tell() {
  for (const call of calls) call();
}

for (const list of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-hold]"))) {
  const hold = () => pointed.set(list.id, performance.now());
  list.addEventListener("pointermove", (event) => event.pointerType === "mouse" && hold());
  list.addEventListener("pointerleave", () => release(list.id));
  list.addEventListener("keydown", hold);
  list.addEventListener("focusin", (event) => {
    if (/** @type {Element} */ (event.target).matches(":focus-visible")) hold();
  });
  list.addEventListener("focusout", () => release(list.id));
}

const button = document.getElementById("pause");
button?.addEventListener("click", () => {
  paused = !paused;
  button.setAttribute("aria-pressed", String(paused));
  say();
  if (!paused) tell();
});

function say() {
  const place = document.getElementById("paused");
  const time = place?.querySelector("time");
  if (!place || !time) return;
  time.dataset.clock = new Date(clock.now()).toISOString();
  place.hidden = !paused;
  clock.show(place);
}
