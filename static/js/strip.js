/**
 * The strip of past runs, by pointer and keys; without this module its links lead everywhere, too.
 *
 *   <div data-strip data-since="ISO" data-until="ISO"><a data-at="ISO" data-words="…" href="…">…
 *
 * One of its runs is a tab stop. Left and right go to the run before and after in its lane, up and
 * down to the nearest in time in the next lane, Home and End to the lane's ends; + and − zoom where
 * one is, Shift with an arrow moves in time, Escape lets the tip go. What is pointed at or focused
 * stands in a tip, with its time in the viewer's zone. A strip that was refreshed (refresh.js) is
 * taken up anew.
 */

import { clockTime } from "./clock.js";
import { element } from "./dom.js";

const CLOSER = { "+": 0.5, "=": 0.5, "-": 2, _: 2 };
const LEAST_MS = 60_000;
// The server's, as the page was served.
const NOW = new Date(/** @type {HTMLElement | null} */ (document.querySelector("footer[data-now]"))?.dataset.now ?? "");
const NEIGHBOUR = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
const LANE = { ArrowUp: -1, ArrowDown: 1 };
const MOVED = { ArrowLeft: "earlier", ArrowRight: "later" };

/** @type {WeakMap<Element, () => void>} what takes a strip up anew */
const known = new WeakMap();

find();
document.addEventListener("refreshed", find);

function find() {
  for (const words of document.querySelectorAll("[data-keys]")) words.removeAttribute("hidden");
  for (const strip of document.querySelectorAll("[data-strip]")) {
    const again = known.get(strip);
    if (again) again();
    else known.set(strip, follow(/** @type {HTMLElement} */ (strip)));
  }
}

/**
 * @param {HTMLElement} strip
 * @returns {() => void}
 */
function follow(strip) {
  /** @type {SVGAElement[][]} */
  let lanes = [];
  /** @type {SVGAElement[]} */
  let items = [];
  const box = /** @type {HTMLElement} */ (strip.closest(".past-box"));
  const tip = element("div", "chart-tip");
  tip.setAttribute("aria-hidden", "true");

  function take() {
    lanes = [...strip.querySelectorAll("[data-lane]")].map((lane) => [...lane.querySelectorAll("a")]);
    items = lanes.flat();
    for (const item of items) {
      item.querySelector(":scope > title")?.remove();
      item.setAttribute("aria-label", `${words(item)}, ${when(item)}`);
      item.setAttribute("tabindex", "-1");
    }
    items.at(-1)?.setAttribute("tabindex", "0");
    tip.hidden = true;
    box.append(tip);
  }

  take();
  // Going to the anchor takes the focus away: it is set once that is done.
  if (location.hash === "#strip") addEventListener("load", () => items.at(-1)?.focus({ preventScroll: true }));

  /** @param {EventTarget | null} target */
  const itemOf = (target) => /** @type {SVGAElement | null} */ (/** @type {Element} */ (target).closest?.("a[data-at]") ?? null);

  /** @param {SVGAElement | null} item */
  function show(item) {
    tip.hidden = !item;
    if (!item) return;
    tip.replaceChildren(element("b", "", when(item)), element("div", "", words(item)));
    const [own, all] = [item.getBoundingClientRect(), box.getBoundingClientRect()];
    const left = own.left + own.width / 2 - all.left - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(0, Math.min(left, all.width - tip.offsetWidth))}px`;
    const below = own.bottom - all.top + 6;
    const above = own.top - all.top - tip.offsetHeight - 6;
    tip.style.top = `${above < 0 ? below : above}px`;
  }

  /** @param {SVGAElement} item */
  function reach(item) {
    for (const other of items) other.setAttribute("tabindex", other === item ? "0" : "-1");
    item.focus();
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const item = itemOf(event.target);
    if (event.key === "Escape") return show(null);
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const moved = event.shiftKey ? MOVED[/** @type {keyof typeof MOVED} */ (event.key)] : undefined;
    const factor = CLOSER[/** @type {keyof typeof CLOSER} */ (event.key)];
    const next = event.shiftKey ? undefined : neighbour(item, event.key);
    if (!moved && !factor && !next) return;
    event.preventDefault();
    if (moved) press(moved);
    else if (factor) zoom(item, factor);
    else if (next) reach(next);
  }

  /**
   * @param {SVGAElement} item
   * @param {string} name
   * @returns {SVGAElement | undefined}
   */
  function neighbour(item, name) {
    const number = lanes.findIndex((lane) => lane.includes(item));
    const lane = lanes[number];
    const step = NEIGHBOUR[/** @type {keyof typeof NEIGHBOUR} */ (name)];
    if (step !== undefined) return lane[Math.max(0, Math.min(lane.length - 1, lane.indexOf(item) + step))];
    const aside = LANE[/** @type {keyof typeof LANE} */ (name)];
    const other = aside === undefined ? undefined : lanes[number + aside];
    return other?.reduce((best, one) => (away(one, item) < away(best, item) ? one : best));
  }

  /**
   * @param {SVGAElement} item
   * @param {number} factor
   */
  function zoom(item, factor) {
    const [since, until] = [Date.parse(strip.dataset.since ?? ""), Date.parse(strip.dataset.until ?? "")];
    const span = (until - since) * factor;
    if (span < LEAST_MS) return;
    // What has the focus stays where it is; what is yet to come is not shown.
    const share = (Date.parse(item.dataset.at ?? "") - since) / (until - since);
    const begin = Date.parse(item.dataset.at ?? "") - Math.max(0, Math.min(1, share)) * span;
    const late = Math.max(0, begin + span - Math.max(until, NOW.getTime() || until));
    const address = new URL(location.href);
    address.searchParams.set("since", new Date(begin - late).toISOString());
    address.searchParams.set("until", new Date(begin - late + span).toISOString());
    address.searchParams.delete("range");
    address.hash = "strip";
    location.assign(address);
  }

  strip.addEventListener("keydown", key);
  strip.addEventListener("focusin", ({ target }) => show(itemOf(target)));
  strip.addEventListener("focusout", () => show(null));
  strip.addEventListener("pointerover", ({ target }) => show(itemOf(target)));
  strip.addEventListener("pointerleave", () => show(itemOf(document.activeElement)));
  return take;
}

/** @param {string} way */
function press(way) {
  /** @type {HTMLElement | null} */ (document.querySelector(`[data-way="${way}"]`))?.click();
}

/** @param {SVGAElement} item */
function words(item) {
  return item.dataset.words ?? "";
}

/** @param {SVGAElement} item */
function when(item) {
  const { at, until } = item.dataset;
  const told = [at, until].filter(Boolean).map((iso) => clockTime(new Date(iso ?? ""), NOW));
  return told.length > 1 ? `begun from ${told.join(" to ")}` : `submitted ${told[0]}`;
}

/**
 * @param {SVGAElement} one
 * @param {SVGAElement} other
 */
function away(one, other) {
  return Math.abs(Date.parse(one.dataset.at ?? "") - Date.parse(other.dataset.at ?? ""));
}
