/**
 * The elements of the wall: what the server sends is put in place here.
 *
 *   prepare(message)     returns the message with its HTML as elements; throws Malformed and
 *                        touches nothing where one part of it is not what the protocol promises
 *   replaceAll(ready)    show a snapshot: what it does not hold goes
 *   change(ready)        show a change
 *   age(now)             grey what is old, and count what is where; true where all is stale
 *
 * HTML comes from our own server only, which has escaped what is not its own. It is parsed by a
 * <template>, in which no script runs and nothing is loaded, and put in place whole or not at all.
 */

import { addLines, showFeed } from "./feed.js";
import { held, settle, whenReleased } from "./hold.js";
import { markMine } from "./mine.js";
import { morph } from "./morph.js";

const GREY_MS = 10_000;
const STALE_MS = 60_000;
// What claims that the server answers; the other states say themselves that it does not.
const ANSWERING = ["executing", "queued", "idle", "polling"];

// The list in which rows come and go in the middle.
const RUNS = "active-list";
const RUN = /^run-(\d+)-mini$/;

// What a patch may set: nothing that runs or loads.
const PATCHED = /^(text|width|data-[a-z-]+)$/;

/** A message that does not keep the protocol. */
export class Malformed extends Error {}

/**
 * @typedef {{id: string, html: string, into?: string, element: Element | null}} Fragment
 * @typedef {{fragments: Fragment[], patches: [string, string, string][], feed: Fragment[]}} Ready
 */

/** @type {Map<string, string>} what each element was made of, to leave alone what is the same */
const sources = new Map();
/** @type {Map<string, Fragment>} runs that come or go once their list may move */
const waiting = new Map();
/** @type {Map<string, number>} the place of each element that came into a container */
const ranks = new Map();
for (const child of document.querySelectorAll("#servers > [id], #attention > [id]")) rankOf(child.id);

// What a snapshot that lacks it takes off the page; cards are a matter of their own.
const GOING = "#attention > .chip, #active-list > li";

/**
 * @param {any} message
 * @returns {Ready}
 */
export function prepare(message) {
  const { fragments, patches, feed } = message;
  demand([fragments, patches, feed].every(Array.isArray), "fragments, patches and feed are lists");
  for (const patch of patches) {
    demand(Array.isArray(patch) && patch.length === 3 && patch.every(isString), "patches of 3 texts");
    demand(PATCHED.test(patch[1]), "patches of text, width or data-");
  }
  return { patches, fragments: fragments.map(parsed), feed: feed.map(parsed) };
}

/**
 * @param {any} fragment
 * @returns {Fragment}
 */
function parsed(fragment) {
  const { id, html, into } = Object(fragment);
  demand(isString(id) && id !== "" && isString(html), "fragments with id and html");
  demand(into === undefined || isString(into), "into is a text");
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  const element = template.content.firstElementChild;
  const whole = html === "" || (template.content.childNodes.length === 1 && element?.id === id);
  demand(whole, "one element with the fragment's id");
  return { id, html, into, element };
}

/**
 * @param {boolean} kept
 * @param {string} promise
 */
function demand(kept, promise) {
  if (!kept) throw new Malformed(`expected ${promise}`);
}

/** @param {any} value */
function isString(value) {
  return typeof value === "string";
}

/**
 * Show a snapshot. A card that it lacks goes, unless nobody ever told of that server, or what was
 * told is lost with the store (`lost`): then it stays, as one that is waited for.
 *
 * @param {Ready} ready
 * @param {boolean} lost
 */
export function replaceAll(ready, lost) {
  const kept = new Set(ready.fragments.map((fragment) => fragment.id));
  for (const card of document.querySelectorAll("#servers > article")) {
    if (kept.has(card.id)) continue;
    if (lost) expect(card);
    else if (!card.hasAttribute("data-pending")) card.remove();
  }
  for (const element of document.querySelectorAll(GOING)) {
    if (!kept.has(element.id)) placeOrWait({ id: element.id, html: "", element: null });
  }
  put(ready);
  showFeed(ready.feed);
}

/**
 * Wait for what is told of a server anew, however it looks.
 *
 * @param {Element} card
 */
function expect(card) {
  card.toggleAttribute("data-pending", true);
  sources.delete(card.id);
  forget(card);
}

/** @param {Ready} ready */
export function change(ready) {
  put(ready);
  addLines(ready.feed);
}

/** @param {Ready} ready */
function put({ fragments, patches }) {
  const staged = stage(fragments);
  for (const fragment of staged) placeOrWait(fragment);
  for (const { id, html } of fragments) {
    if (html) sources.set(id, html);
    else sources.delete(id);
  }
  for (const patch of patches) patchOne(...patch);
}

/**
 * Set one value. The element that it stands in is no longer what its source says.
 *
 * @param {string} id
 * @param {string} name
 * @param {string} value
 */
function patchOne(id, name, value) {
  const element = document.getElementById(id);
  if (!element) return;
  if (name === "text") element.textContent = value;
  else element.setAttribute(name, value);
  if (!sources.has(id)) sources.delete(element.closest("article > [id]")?.id ?? "");
}

/**
 * Return what has to be put in place: an element whose source is the same is left out, and one
 * that belongs into another one of the same message is put in there first. So a new shell comes
 * onto the page with its parts in it.
 *
 * @param {Fragment[]} fragments
 * @returns {Fragment[]}
 */
function stage(fragments) {
  const stand = document.createDocumentFragment();
  /** @type {Map<string, Fragment>} */
  const staged = new Map();
  for (const fragment of fragments) {
    const { id, element } = fragment;
    const outer = stand.getElementById(id);
    if (staged.has(id) || (!outer && !isThere(fragment))) staged.set(id, fragment);
    if (outer && element) outer.replaceWith(element);
    else if (outer) outer.remove();
    else if (element && staged.has(id)) stand.append(element);
  }
  return [...staged.values()];
}

/** @param {Fragment} fragment */
function isThere({ id, html }) {
  return html !== "" && sources.get(id) === html && document.getElementById(id) !== null;
}

/**
 * Put an element in place, unless that moved a row away under who points at it.
 *
 * @param {Fragment} fragment
 */
function placeOrWait(fragment) {
  const there = document.getElementById(fragment.id) !== null;
  const moves = RUN.test(fragment.id) && there === (fragment.element === null);
  waiting.delete(fragment.id);
  if (moves && held(RUNS)) waiting.set(fragment.id, fragment);
  else place(fragment);
}

whenReleased(() => {
  if (held(RUNS)) return;
  for (const fragment of waiting.values()) place(fragment);
  waiting.clear();
});

/** @param {Fragment} fragment */
function place({ id, into, element }) {
  const old = document.getElementById(id);
  if (old) forget(old);
  if (element === null) old?.remove();
  else if (old) morph(old, element);
  else if (into) insert(document.getElementById(into), element);
}

/**
 * What stands in an element goes with it, so its source must not be taken for still there.
 *
 * @param {Element} element
 */
function forget(element) {
  for (const inner of element.querySelectorAll("[id]")) sources.delete(inner.id);
}

/**
 * Servers keep their places, also when one comes back.
 *
 * @param {Element | null} container
 * @param {Element} element
 */
function insert(container, element) {
  const rank = rankOf(element.id);
  const later = [...(container?.children ?? [])].find(
    (other) => (ranks.has(other.id) || RUN.test(other.id)) && rankOf(other.id) > rank,
  );
  container?.insertBefore(element, later ?? container.querySelector(":scope > .end"));
}

/**
 * Runs stand in the order of their numbers, everything else in that of its first coming.
 *
 * @param {string} id
 */
function rankOf(id) {
  const run = RUN.exec(id);
  if (run) return Number(run[1]);
  if (!ranks.has(id)) ranks.set(id, ranks.size);
  return /** @type {number} */ (ranks.get(id));
}

/**
 * @param {number} now the server's time in ms
 * @returns {boolean} whether every server that claims to answer is stale: nobody watches any more
 */
export function age(now) {
  const cards = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(":is(#servers, .servers) > article")]);
  for (const card of cards) ageCard(card, now - Date.parse(card.dataset.heard ?? ""));
  tally(cards);
  markMine();
  settle();
  const answering = cards.filter((card) => ANSWERING.includes(card.dataset.state ?? ""));
  return answering.length > 0 && answering.every((card) => card.hasAttribute("data-stale"));
}

/**
 * @param {HTMLElement} card
 * @param {number} silence ms since the server was last heard of, NaN where it never was
 */
function ageCard(card, silence) {
  const state = card.dataset.state ?? "";
  const answering = ANSWERING.includes(state);
  card.toggleAttribute("data-stale", answering && silence > STALE_MS);
  if (!answering) return; // its parts came grey from the server
  const grey = silence > (state === "executing" ? GREY_MS : STALE_MS);
  for (const part of card.querySelectorAll(":scope > :is(.gpus, .scenes)")) {
    part.classList.toggle("last-known", grey);
  }
}

/**
 * "3 servers, 1 executing, 1 idle"; those in trouble have a chip of their own.
 *
 * @param {HTMLElement[]} cards
 */
function tally(cards) {
  const place = document.getElementById("tally");
  if (!place) return;
  const total = document.createElement("b");
  total.textContent = cards.length === 1 ? "1 server" : `${cards.length} servers`;
  const silent = cards.filter((card) => card.hasAttribute("data-stale"));
  const states = cards.filter((card) => !silent.includes(card)).map((card) => card.dataset.state);
  const words = ["executing", "queued", "idle"]
    .map((state) => [states.filter((other) => other === state).length, state])
    .concat([[silent.length, "stale"]])
    .filter(([count]) => count)
    .map(([count, state]) => `, ${count} ${state}`);
  const text = words.join("");
  if (place.textContent !== total.textContent + text) place.replaceChildren(total, text);
}
