/**
 * What the page says of its own connection: the badge #conn, the banner, and toasts.
 *
 *   const shown = showLink({retry, asOf})    asOf() is the time of the last message, as a Date
 *   shown.state(state)     the link has become this (see link.js)
 *   shown.tick()           each second: countdowns
 */

import { clockTime, countdown } from "./clock.js";

const BANNER_AFTER_MS = 5_000;
const TOAST_MS = 8_000;
const SIGNED_OUT = 4401;

/** @param {{retry: () => void, asOf: () => Date}} page */
export function showLink({ retry, asOf }) {
  const badge = document.getElementById("conn");
  const banner = document.getElementById("conn-banner");
  /** @type {any} */
  let state = { name: "connecting" };
  let goneSince = performance.now();
  let toldLost = false;

  const tick = () => {
    for (const place of document.querySelectorAll("[data-link-countdown]")) {
      place.textContent = `, ${untilNext(state)}`;
    }
    const gone = state.name !== "live" && performance.now() - goneSince >= BANNER_AFTER_MS;
    if (!banner || banner.hidden === !gone) return;
    banner.hidden = !gone;
    if (gone) showBanner(banner, state, { retry, asOf });
  };

  return {
    tick,

    /** @param {any} next */
    state(next) {
      const was = state;
      state = next;
      if (was.name === "live" && next.name !== "live") goneSince = performance.now();
      if (badge) showBadge(badge, next, retry);
      if (banner && !banner.hidden) showBanner(banner, next, { retry, asOf });
      if (next.name === "live" && toldLost) toast("ok", "s-completed", "Live connection is back", "");
      if (next.name === "live") toldLost = false;
      if (was.name === "live" && next.name === "reconnecting") {
        toldLost = true;
        toast("warn", "s-reconnecting", "Live connection lost", "Trying to get it back");
      }
      tick();
    },
  };
}

/** @param {any} state */
function words(state) {
  if (state.name === "live") return "Live";
  if (state.name === "connecting") return "Connecting";
  if (state.name === "reconnecting") return `Attempt ${state.attempt} of ${state.of}`;
  if (state.name === "offline") return `Failed to connect after ${state.of} attempts`;
  return state.code === SIGNED_OUT ? "Signed out" : "No access any more";
}

/** @param {any} state */
function untilNext(state) {
  return state.nextAt === null ? "trying now" : `next ${countdown(state.nextAt - performance.now())}`;
}

/**
 * @param {HTMLElement} badge
 * @param {any} state
 * @param {() => void} retry
 */
function showBadge(badge, state, retry) {
  badge.dataset.state = state.name;
  const sign =
    state.name === "live" ? element("span", "dot pulse")
    : state.name === "connecting" || state.name === "reconnecting" ? icon("s-reconnecting", "spin")
    : icon("s-offline");
  const text = element("span", "words", words(state));
  text.title = words(state);
  if (state.name === "reconnecting") text.append(ticking());
  fill(badge, sign, text, ...action(badge, state, retry));
}

/**
 * @param {HTMLElement} badge
 * @param {any} state
 * @param {() => void} retry
 * @returns {Element[]}
 */
function action(badge, state, retry) {
  if (state.name === "offline") return [button("Retry", retry)];
  if (state.name !== "refused") return [];
  const link = element("a", "", state.code === SIGNED_OUT ? "Sign in" : "Your teams");
  link.setAttribute("href", state.code === SIGNED_OUT ? badge.dataset.login ?? "/" : "/");
  return [link];
}

/**
 * @param {HTMLElement} banner
 * @param {any} state
 * @param {{retry: () => void, asOf: () => Date}} page
 */
function showBanner(banner, state, { retry, asOf }) {
  banner.dataset.tone = state.name === "offline" || state.name === "refused" ? "bad" : "warn";
  const lead = element("b", "", state.name === "reconnecting" ? `Reconnecting: ${low(state)}` : words(state));
  if ("nextAt" in state) lead.append(ticking());
  lead.append(".");
  const at = asOf();
  const since = Number.isNaN(at.getTime()) ? "before" : clockTime(at, at, true);
  const text = element("span", "");
  text.append(lead, ` What you see is from ${since} and does not move until then.`);
  if (state.name === "refused") text.replaceChildren(lead, ` What you see is from ${since}.`);
  const sign = icon(banner.dataset.tone === "bad" ? "s-offline" : "s-reconnecting");
  const retries = state.name === "refused" ? [] : [button("Retry now", retry, "end")];
  fill(banner, sign, text, ...retries);
}

/**
 * Put new children in place; who had the focus on the old button has it on the new one.
 *
 * @param {HTMLElement} box
 * @param {Element[]} children
 */
function fill(box, ...children) {
  const focused = box.contains(document.activeElement);
  box.replaceChildren(...children);
  if (focused) /** @type {HTMLElement | null} */ (box.querySelector("button, a"))?.focus();
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

/**
 * @param {string} tone
 * @param {string} sign
 * @param {string} title
 * @param {string} text
 */
function toast(tone, sign, title, text) {
  const box = element("div", "toast");
  box.dataset.tone = tone;
  const body = element("div", "");
  body.append(element("b", "", title), ...(text ? [element("p", "", text)] : []));
  const close = button("", () => box.remove(), "quiet square");
  close.setAttribute("aria-label", "Dismiss");
  close.append(icon("i-x"));
  box.append(icon(sign), body, close);
  document.getElementById("toasts")?.replaceChildren(box);
  setTimeout(() => box.remove(), TOAST_MS);
}

/**
 * @param {string} text
 * @param {() => void} press
 * @param {string} look
 */
function button(text, press, look = "") {
  const made = element("button", `btn small ${look}`.trim(), text);
  made.setAttribute("type", "button");
  made.addEventListener("click", press);
  return made;
}

/**
 * @param {string} name
 * @param {string} look
 * @param {string} text
 */
function element(name, look, text = "") {
  const made = document.createElement(name);
  if (look) made.className = look;
  made.textContent = text;
  return made;
}

/**
 * @param {string} name
 * @param {string} look
 */
function icon(name, look = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${look}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  return svg;
}
