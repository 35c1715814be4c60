/**
 * The connection in numbers, for staff: <dl id="live-debug">, filled while its menu is open.
 *
 *   showNumbers(live)    live as in live.js; returns tick(), called each second
 */

import { clock } from "./clock.js";
import { element } from "./dom.js";

/** @param {any} live */
export function showNumbers(live) {
  const list = document.getElementById("live-debug");
  const menu = /** @type {HTMLDetailsElement | null} */ (list?.closest("details") ?? null);
  menu?.addEventListener("toggle", tick);
  return { tick };

  function tick() {
    if (!list || !menu?.open) return;
    list.replaceChildren(...rows(live).flatMap(([name, value]) => [element("dt", "", name), element("dd", "num", value)]));
  }
}

/**
 * @param {any} live
 * @returns {[string, string][]}
 */
function rows(live) {
  const places = live.topics.map((/** @type {string} */ topic) => {
    const place = live.place(topic);
    return /** @type {[string, string]} */ ([topic, place ? `${place.epoch}.${place.seq}` : "–"]);
  });
  return [
    ["State", live.state],
    ["Transport", live.transport ?? "–"],
    ...places,
    ["Round trip", ms(live.lag_ms)],
    ["Clock offset", ms(clock.now() - Date.now())],
    ["Attempt", String(live.reconnectAttempt)],
    ["Messages", `${live.messages}, ${Math.round(live.length / 1024)} kB`],
    ["Malformed", String(live.malformed)],
    ["Gaps", String(live.gaps)],
  ];
}

/** @param {number} value */
function ms(value) {
  return Number.isNaN(value) ? "–" : `${Math.round(value)} ms`;
}
