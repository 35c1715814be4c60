/**
 * Bells: "tell me when it ends", on <button data-bell="run:7"> or "prompt:3:9f6b…".
 *
 * What a viewer waits for is kept by the server (<main data-bells="/teams/x/bells/">), so it outlives
 * a reload and holds for all of the viewer's pages. That it ended is what the wall shows itself: an
 * element with data-over comes. Who was away is told at the next visit, from the list.
 *
 * Told means: a toast, a mark in the title until somebody looks, and where the viewer allowed it when
 * pressing a bell, a notification of the browser.
 */

import { clock, clockTime } from "./clock.js";
import { toast } from "./toasts.js";

// A run whose scenes are submitted one after the other is not over between two of them. To one that
// is a single prompt (data-alone) nothing can be added.
const SETTLE_MS = 10_000;
const MARK = "● ";
const SIGNS = { ok: "s-completed", bad: "s-failed", warn: "s-partial", mute: "s-cancelled" };

const main = document.getElementById("main");
const address = main?.dataset.bells ?? "";
/** @type {Map<string, string>} what the viewer waits for, and its name */
const wanted = new Map();
/** @type {Map<string, ReturnType<typeof setTimeout>>} */
const settling = new Map();

if (address) begin();

async function begin() {
  const live = /** @type {any} */ (globalThis).live;
  live?.addEventListener("update", look);
  live?.addEventListener("connect", ask);
  document.addEventListener("click", (event) => {
    const bell = /** @type {Element} */ (event.target).closest("[data-bell]");
    if (bell) press(/** @type {HTMLElement} */ (bell));
  });
  document.addEventListener("visibilitychange", () => document.hidden || unmark());
  addEventListener("focus", unmark);
  await ask();
  look();
}

/** Learn what is waited for, and what of it ended while nobody was here. */
async function ask() {
  const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const { bells } = await answer.json();
  wanted.clear();
  for (const { what, name, end } of bells) {
    wanted.set(what, name);
    if (end) ring(what, { tone: end.tone, title: `${name}: ${end.label.toLowerCase()}`, text: away(end.at) });
  }
  show();
}

/** @param {string | null} at */
function away(at) {
  if (!at) return "Ended while you were away";
  return `Ended at ${clockTime(new Date(at), new Date(clock.now()))}, while you were away`;
}

/**
 * Show which bells are set, and ring those that are due. What just came may not stand on the page yet,
 * where the feed is paused.
 *
 * @param {{detail?: any[]}} event
 */
function look({ detail = [] } = {}) {
  show();
  const came = detail.flatMap(({ ready }) => ready.feed.map((/** @type {any} */ line) => line.element));
  for (const element of [...document.querySelectorAll("[data-over]"), ...came]) {
    const what = element?.dataset.over ?? "";
    if (!wanted.has(what)) continue;
    if (what.startsWith("prompt:")) ring(what, ofLine(element));
    else if (element.hasAttribute("data-alone")) ring(what, ofRun(element));
    else if (!settling.has(what)) settle(what);
  }
}

/** @param {string} what */
function settle(what) {
  const still = () => {
    settling.delete(what);
    const row = /** @type {HTMLElement | null} */ (document.querySelector(`[data-over="${CSS.escape(what)}"]`));
    if (row && wanted.has(what)) ring(what, ofRun(row));
    else ask();
  };
  settling.set(what, setTimeout(still, SETTLE_MS));
}

/** @param {HTMLElement} line of the feed */
function ofLine(line) {
  const body = line.querySelector("div")?.cloneNode(true);
  const [said, ...rest] = /** @type {Element} */ (body).querySelectorAll("small, .vh");
  const text = said?.matches("small") ? said.textContent : rest.find((e) => e.matches("small"))?.textContent;
  for (const part of [said, ...rest]) part?.remove();
  return { tone: line.dataset.tone ?? "mute", title: body?.textContent?.trim() ?? "", text: text ?? "" };
}

/** @param {HTMLElement} row of a run */
function ofRun(row) {
  const name = row.querySelector(".name")?.getAttribute("title") ?? "A run";
  const label = row.querySelector(".status")?.textContent?.trim().toLowerCase() ?? "ended";
  const status = row.dataset.status ?? "";
  const tone = status === "completed" ? "ok" : status === "failed" ? "bad" : "warn";
  return { tone, title: `${name}: ${label}`, text: row.querySelector(".done")?.textContent ?? "" };
}

/**
 * @param {string} what
 * @param {{tone: string, title: string, text: string}} news
 */
function ring(what, { tone, title, text }) {
  wanted.delete(what);
  toast({ tone, sign: SIGNS[/** @type {"ok"} */ (tone)] ?? "i-bell", title, text, about: "" });
  if (!document.hasFocus()) mark();
  if ("Notification" in globalThis && Notification.permission === "granted") {
    new Notification(title, { body: text, tag: what });
  }
  tell(what, false);
  show();
}

/** @param {HTMLElement} bell */
async function press(bell) {
  const what = bell.dataset.bell ?? "";
  const on = !wanted.has(what);
  if (on && "Notification" in globalThis && Notification.permission === "default") {
    Notification.requestPermission();
  }
  if (on) wanted.set(what, bell.getAttribute("aria-label") ?? "");
  else wanted.delete(what);
  show();
  if (await tell(what, on)) return;
  if (on) wanted.delete(what);
  show();
  const text = "The site could not be reached. Press it again.";
  toast({ tone: "warn", sign: "s-warn", title: "The bell is not set", text, about: "bell" });
}

/**
 * @param {string} what
 * @param {boolean} on
 * @returns {Promise<boolean>} whether the server knows
 */
async function tell(what, on) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]");
  const headers = { "X-CSRFToken": /** @type {HTMLInputElement | null} */ (token)?.value ?? "" };
  const body = new URLSearchParams({ what, on: on ? "1" : "0" });
  const answer = await fetch(address, { method: "POST", headers, body }).catch(() => null);
  return answer?.ok ?? false;
}

function show() {
  for (const bell of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-bell]"))) {
    bell.setAttribute("aria-pressed", String(wanted.has(bell.dataset.bell ?? "")));
  }
}

function mark() {
  if (!document.title.startsWith(MARK)) document.title = MARK + document.title;
}

function unmark() {
  if (document.title.startsWith(MARK)) document.title = document.title.slice(MARK.length);
}
