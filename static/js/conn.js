/**
 * What the page says of its own connection: the badge #conn, its menu, the banner, and toasts.
 *
 *   const shown = showLink(live)    live as in live.js
 *   shown.tick()                    each second: countdowns and ages
 */

import { clock, clockTime, countdown, duration } from "./clock.js";
import { button, element, fill, icon } from "./dom.js";
import { toast } from "./toasts.js";

const BANNER_AFTER_MS = 5_000;
// The dot moves only while something comes: a page on which nothing happens draws nothing.
const QUIET_MS = 5_000;
const SIGNED_OUT = 4401;
const TROUBLE = ["reconnecting", "polling", "offline", "refused", "silent", "stale"];
const BAD = ["offline", "refused"];
const KINDS = { socket: "WebSocket", stream: "event stream", poll: "polling" };

const CROWDED = "Too many pages";

/** @type {Record<string, (state: any) => string>} */
const WORDS = {
  idle: () => "Disconnected",
  connecting: () => "Connecting",
  live: () => "Live",
  stale: () => "Stale",
  silent: () => "Silent",
  paused: ({ waiting }) => (waiting ? `Paused, ${waiting} new` : "Paused"),
  reconnecting: ({ attempt, of, crowded }) => (crowded ? CROWDED : `Attempt ${attempt} of ${of}`),
  polling: () => "Polling",
  offline: ({ of, crowded }) => (crowded ? CROWDED : `Failed to connect after ${of} attempts`),
  refused: ({ code }) => (code === SIGNED_OUT ? "Signed out" : "No access any more"),
};

/** @type {Record<string, () => Element>} */
const SIGNS = {
  live: () => element("span", "dot pulse"),
  connecting: () => icon("s-reconnecting", "spin"),
  reconnecting: () => icon("s-reconnecting", "spin"),
  polling: () => icon("s-retrying"),
  stale: () => icon("s-stale"),
  silent: () => icon("s-stale"),
  paused: () => icon("s-idle"),
};

/** @type {Record<string, (state: any) => {tone: string, sign: string, title: string, text?: string}>} */
const NEWS = {
  reconnecting: () => ({
    tone: "warn",
    sign: "s-reconnecting",
    title: "Live connection lost",
    text: "Trying to get it back",
  }),
  polling: ({ every_s }) => ({
    tone: "warn",
    sign: "s-retrying",
    title: "Offline mode",
    text: `Polling every ${every_s} s until the live connection is back`,
  }),
  offline: ({ of }) => ({
    tone: "bad",
    sign: "s-offline",
    title: `Failed to connect after ${of} attempts`,
    text: "Trying on in the background",
  }),
  live: () => ({ tone: "ok", sign: "s-completed", title: "Live connection is back" }),
};

/** @param {any} live */
export function showLink(live) {
  const badge = document.getElementById("conn");
  const banner = document.getElementById("conn-banner");
  /** @type {any} */
  let state = { name: live.state };
  let goneSince = performance.now();
  let told = "";
  let wasLive = false;

  /** @param {any} next */
  const change = (next) => {
    const [was, is] = [state.name, next.name];
    state = next;
    wasLive ||= was === "live";
    if (was === "live" && is !== "live") goneSince = performance.now();
    if (badge) showBadge(badge, state, live);
    if (banner && !banner.hidden) showBanner(banner, state, live);
    showMenu(state);
    tell(is);
    tick();
  };

  /** One toast per transition; nothing on the first way to live, nor on a short pause. */
  const tell = (/** @type {string} */ name) => {
    if (!(name in NEWS) || name === told || (name === "live" && !told)) return;
    if (name === "reconnecting" && (told || !wasLive)) return;
    toast({ ...NEWS[name](state), about: "connection" });
    told = name === "live" ? "" : name;
  };

  const tick = () => {
    for (const place of document.querySelectorAll("[data-link-countdown]")) {
      const words = `, ${untilNext(state)}`;
      if (place.textContent !== words) place.textContent = words;
    }
    sayAge(live);
    badge?.toggleAttribute("data-quiet", performance.now() - live.shownAt > QUIET_MS);
    const gone = TROUBLE.includes(state.name) || state.name === "connecting";
    const late = gone && performance.now() - goneSince >= BANNER_AFTER_MS;
    if (!banner || banner.hidden === !late) return;
    banner.hidden = !late;
    if (late) showBanner(banner, state, live);
  };

  live.addEventListener("state", (/** @type {CustomEvent} */ { detail }) => change(detail));
  for (const name of ["connect", "disconnect", "reset"]) {
    document.getElementById(`live-${name}`)?.addEventListener("click", () => live[name]());
  }
  showMenu(state);
  // Served as "Connecting", which who has switched that off would wait for.
  if (badge && !live.options.enabled) showBadge(badge, state, live);
  return { tick };
}

/** @param {any} state */
function words(state) {
  return WORDS[state.name](state);
}

/** @param {any} state */
function untilNext(state) {
  return state.nextAt === null ? "trying now" : `next ${countdown(state.nextAt - performance.now())}`;
}

/**
 * @param {HTMLElement} badge
 * @param {any} state
 * @param {any} live
 */
function showBadge(badge, state, live) {
  badge.dataset.state = state.name;
  const sign = (SIGNS[state.name] ?? (() => icon("s-offline")))();
  const text = element("span", "words", words(state));
  text.title = live.transport ? `${words(state)}, ${KINDS[live.transport]}` : words(state);
  if (state.name === "reconnecting") text.append(ticking());
  fill(badge, sign, text, ...action(badge, state, live));
}

/**
 * What stands in the badge itself, where there is room.
 *
 * @param {HTMLElement} badge
 * @param {any} state
 * @param {any} live
 * @returns {Element[]}
 */
function action(badge, state, live) {
  if (["offline", "polling"].includes(state.name)) return [button("Retry", () => live.retry())];
  if (state.name === "idle") return [button("Connect", () => live.connect())];
  if (state.name !== "refused" || !badge.dataset.login) return [];
  return [wayOut(state, badge.dataset.login, "")];
}

/** @type {Record<string, (state: any) => string>} */
const MEANING = {
  polling: ({ every_s }) => `What you see is up to ${every_s} s old.`,
  silent: () => "The connection is open, but nothing comes over it.",
  stale: () => "The connection is fine, but no server was heard of for a minute: is the collector running?",
};

/**
 * @param {HTMLElement} banner
 * @param {any} state
 * @param {any} live
 */
function showBanner(banner, state, live) {
  banner.dataset.tone = BAD.includes(state.name) ? "bad" : "warn";
  const lead = element("b", "", leadOf(state));
  if ("nextAt" in state) lead.append(ticking());
  lead.append(".");
  const text = element("span", "");
  const crowd = state.crowded ? "You have too many pages open: close some, and this one goes on. " : "";
  text.append(lead, ` ${crowd}${MEANING[state.name]?.(state) ?? asOf(state, live.lastUpdate)}`);
  const sign = icon(banner.dataset.tone === "bad" ? "s-offline" : "s-reconnecting");
  fill(banner, sign, text, ...remedy(state, live));
}

/** @param {any} state */
function leadOf(state) {
  if (state.name !== "reconnecting" || state.crowded) return words(state);
  return `Reconnecting: ${low(state)}`;
}

/**
 * What a person can do about it, as the last thing in the banner. A screen has no way into the site.
 *
 * @param {any} state
 * @param {any} live
 * @returns {Element[]}
 */
function remedy(state, live) {
  if (["stale", "silent"].includes(state.name)) return [];
  if (state.name !== "refused") return [button("Retry now", () => live.retry(), "end")];
  const login = document.getElementById("conn")?.dataset.login;
  return login ? [wayOut(state, login, "btn small end")] : [];
}

/**
 * @param {any} state
 * @param {string} login
 * @param {string} look
 */
function wayOut(state, login, look) {
  const link = element("a", look, state.code === SIGNED_OUT ? "Sign in" : "Your teams");
  link.setAttribute("href", state.code === SIGNED_OUT ? login : "/");
  return link;
}

/**
 * @param {any} state
 * @param {Date | null} at
 */
function asOf(state, at) {
  const since = at ? clockTime(at, at, true) : "before";
  const still = state.name === "refused" ? "" : " and does not move until then";
  return `What you see is from ${since}${still}.`;
}

/**
 * The menu beside the badge: connect and disconnect by hand, each only where it does something.
 *
 * @param {any} state
 */
function showMenu(state) {
  const off = { connect: state.name !== "idle", disconnect: ["idle", "refused"].includes(state.name) };
  for (const [name, disabled] of Object.entries(off)) {
    const found = /** @type {HTMLButtonElement | null} */ (document.getElementById(`live-${name}`));
    if (found) found.disabled = disabled;
  }
}

/** @param {any} live */
function sayAge(live) {
  const place = document.getElementById("live-age");
  if (!place) return;
  const at = clock.now() - (live.lastUpdate?.getTime() ?? NaN);
  const age = Number.isNaN(at) ? "–" : at < 1000 ? "now" : `${duration(at)} ago`;
  const kind = live.transport ? `, ${KINDS[live.transport]}` : "";
  const words = `Last update: ${age}${kind}`;
  if (place.textContent !== words) place.textContent = words;
}

/** @param {any} state */
function low(state) {
  return words(state).toLowerCase();
}

/** A countdown is for the eye: read out each second it would drown everything else. */
function ticking() {
  const place = element("span", "");
  place.setAttribute("aria-hidden", "true");
  place.dataset.linkCountdown = "";
  return place;
}
