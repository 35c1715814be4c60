/**
 * The activity feed: the newest 50 lines, newest first.
 *
 *   showFeed(lines)    the feed is exactly these, newest first
 *   addLines(lines)    these are new, oldest first; one that is told again takes its old place
 *
 * While the list stands still (hold.js), lines wait and <button id="feed-new"> says how many; pressed,
 * it shows them.
 */

import { clock } from "./clock.js";
import { held, whenReleased } from "./hold.js";
import { morph } from "./morph.js";

const LIMIT = 50;

/** @typedef {{id: string, element: Element | null}} Line */

const feed = document.getElementById("feed");
const button = document.getElementById("feed-new");
/** @type {{id: string, element: Element}[]} the feed as it is, shown or not */
let lines = [...(feed?.children ?? [])].map((element) => ({ id: element.id, element }));

/** @param {Line[]} told newest first */
export function showFeed(told) {
  lines = [];
  for (const line of [...told].reverse()) take(line);
  show();
}

/** @param {Line[]} told oldest first */
export function addLines(told) {
  for (const line of told) take(line);
  if (told.length) show();
}

/** @param {Line} line */
function take({ id, element }) {
  if (!element) {
    lines = lines.filter((other) => other.id !== id);
    return;
  }
  const shown = feed?.querySelector(`:scope > #${CSS.escape(id)}`);
  const line = { id, element: shown ? morph(shown, element) : element };
  const place = lines.findIndex((other) => other.id === id);
  if (place < 0) lines.unshift(line);
  else lines[place] = line;
  lines.length = Math.min(lines.length, LIMIT);
}

function show() {
  if (!held("feed")) bring();
  count();
}

/** Make the list on the page equal to the feed; what stays is not touched. */
function bring() {
  if (!feed) return;
  const staying = new Set(lines.map((line) => line.element));
  for (const old of [...feed.children]) {
    if (!staying.has(old)) old.remove();
  }
  let next = feed.firstElementChild;
  for (const { element } of lines) {
    if (element === next) next = next.nextElementSibling;
    else feed.insertBefore(element, next);
  }
  clock.show(feed);
}

function count() {
  if (!button) return;
  const waiting = lines.filter((line) => !line.element.isConnected).length;
  button.hidden = waiting === 0;
  button.textContent = `${waiting} new`;
}

button?.addEventListener("click", () => {
  bring();
  count();
  feed?.focus({ preventScroll: true });
});
whenReleased(show);
