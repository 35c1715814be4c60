/**
 * Parts of a page that come from the record: what is asked for takes the place of their content.
 *
 *   <div data-refresh="/address/" data-refresh-on="server-3-head server-3-next">
 *
 * The live stream says when: one of the named elements was pushed, a line of the feed, or a whole
 * snapshot: after an interruption, and once the page listens, unless it says `data-settled`. The first
 * after quiet is asked for at once, more of them together 2 s later. What no push tells (another hour's drops) is asked for each minute, and each 15 s while
 * nothing is pushed.
 *
 * Not while the tab is hidden, and not while somebody is in there: whoever is about to press a
 * button, has opened a fold or selects a text must not lose it. Both are made up for afterwards.
 *
 * What is new in place is told by the event "refreshed".
 *
 * What cannot be loaded stays as it is, and <div id="…-notice" hidden> says from when that is: while
 * the page is connected, for otherwise the connection beside the account says so already.
 */

import { clock, clockTime } from "./clock.js";
import { button, element, fill, icon } from "./dom.js";
import { morph } from "./morph.js";

const SOON_MS = 2_000;
const PUSHED_MS = 60_000;
const UNPUSHED_MS = 15_000;

for (const part of document.querySelectorAll("[data-refresh]")) keep(/** @type {HTMLElement} */ (part));

/** @param {HTMLElement} part */
function keep(part) {
  const live = /** @type {any} */ (globalThis).live;
  const told = new Set((part.dataset.refreshOn ?? "").split(" "));
  // What was just served is new, and the first push is asked for at once.
  let askedAt = performance.now() - SOON_MS;
  let dueAt = Infinity;
  let loadedAt = new Date(clock.now());
  let [begun, asking, missed] = [false, false, false];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {number} wait_ms after it was asked for last; what is due sooner stays so */
  const plan = (wait_ms) => {
    if (askedAt + wait_ms >= dueAt) return;
    dueAt = askedAt + wait_ms;
    clearTimeout(timer);
    timer = setTimeout(ask, Math.max(0, dueAt - performance.now()));
  };

  const ask = async () => {
    dueAt = Infinity;
    if (asking) missed = true;
    if (asking || document.hidden) return; // made up for once that is over
    askedAt = performance.now();
    if (inUse(part)) return plan(SOON_MS);
    [asking, missed] = [true, false];
    const came = await refresh(part);
    asking = false;
    if (came === "shown") loadedAt = new Date(clock.now());
    notice(part, came === "failed" && live?.isConnected ? loadedAt : null, ask);
    plan(missed ? SOON_MS : live?.isConnected ? PUSHED_MS : UNPUSHED_MS);
  };

  /** @param {{detail: any[]}} event */
  const look = ({ detail }) => {
    // The first snapshot also tells what happened after the page was served and before it listened;
    // a page of what is over has nothing to miss.
    const settled = part.hasAttribute("data-settled");
    const news = detail.filter(({ type }) => begun || type !== "snapshot" || !settled);
    begun = true;
    if (news.some((message) => concerns(message, told))) plan(SOON_MS);
  };

  live?.addEventListener("update", look);
  live?.addEventListener("disconnect", () => plan(UNPUSHED_MS));
  document.addEventListener("visibilitychange", () => document.hidden || plan(SOON_MS));
  plan(UNPUSHED_MS);
}

/**
 * @param {any} message
 * @param {Set<string>} told
 */
function concerns({ type, ready: { feed, fragments } }, told) {
  return type === "snapshot" || feed.length > 0 || fragments.some((/** @type {any} */ { id }) => told.has(id));
}

/**
 * Put what is new in place, unless somebody has gone in there meanwhile.
 *
 * @param {HTMLElement} part
 * @returns {Promise<"shown" | "kept" | "failed">}
 */
async function refresh(part) {
  // A redirect leads to signing in, which is no part of this page.
  const options = /** @type {const} */ ({ redirect: "manual", credentials: "same-origin" });
  const answer = await fetch(part.dataset.refresh ?? "", options).catch(() => null);
  const text = answer?.ok ? await answer.text().catch(() => null) : null;
  if (text === null) return "failed";
  const template = document.createElement("template");
  template.innerHTML = text;
  if (inUse(part)) return "kept";
  const fresh = /** @type {HTMLElement} */ (part.cloneNode());
  fresh.append(template.content);
  morph(part, fresh);
  clock.show(part);
  part.dispatchEvent(new Event("refreshed", { bubbles: true }));
  return "shown";
}

/**
 * Say since when nothing could be loaded, or that nothing is wrong.
 *
 * @param {HTMLElement} part
 * @param {Date | null} since
 * @param {() => void} again
 */
function notice(part, since, again) {
  const box = document.getElementById(`${part.id}-notice`);
  if (!box || (since === null && box.hidden)) return;
  box.hidden = since === null;
  if (since === null) return box.replaceChildren();
  const below = `What stands below is from ${clockTime(since, since, true)}.`;
  const text = element("p", "");
  text.append(element("b", "", "Could not load what is new."), ` ${below}`);
  const row = element("div", "row");
  row.append(button("Try again", again));
  fill(box, icon("s-warn"), text, row);
}

/** @param {HTMLElement} part */
function inUse(part) {
  const selection = getSelection();
  const selecting = selection && !selection.isCollapsed && part.contains(selection.anchorNode);
  return part.matches(":focus-within") || selecting || part.querySelector("details[open]") !== null;
}
