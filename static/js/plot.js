/**
 * A plot that can be read: plot(box, told, embed) draws told.spec into box > [role=img].
 *
 * What a mouse points at, or the arrow keys have reached (Home and End too, Escape lets go), is marked
 * and stands in a tip; for keys it is also said. The colours of a spec are the names of tokens, which
 * are those of the scheme that is shown; redraw() asks for them again.
 */

import { clock, clockTime } from "./clock.js";
import { element } from "./dom.js";

const OPTIONS = { ast: true, defaultStyle: false, actions: false, tooltip: false, renderer: "svg" };
const KEYS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
const FAR_PX = 40;

/**
 * @typedef {{x: number, y: number | null, name: string, at: string | null, rows: string[][]}} Stop
 * @param {HTMLElement} box
 * @param {{kind: string, spec: any, stops: Stop[]}} told
 * @param {any} embed
 */
export async function plot(box, { kind, spec, stops }, embed) {
  // In one of its own: Vega changes the role of what it draws into. The label around it says it all.
  const place = element("div", "");
  place.setAttribute("aria-hidden", "true");
  box.querySelector("[role=img]")?.append(place);
  const said = box.querySelector("[role=status]");
  const [cross, ring, tip] = ["cross", "ring", "chart-tip"].map((look) => element("div", look));
  for (const part of [cross, ring, tip]) {
    part.hidden = true;
    part.setAttribute("aria-hidden", "true");
    box.append(part);
  }
  let view = await draw();
  let reached = -1;

  async function draw() {
    return embed(place, coloured(spec, place), OPTIONS);
  }

  /** @param {number} index */
  function mark(index) {
    reached = index;
    const stop = stops[index];
    for (const part of [cross, ring, tip]) part.hidden = !stop;
    if (!stop) return;
    const [left, top] = at(stop);
    put(cross, left, null);
    put(ring, left, top);
    ring.hidden = top === null;
    cross.hidden = kind === "dots";
    tip.replaceChildren(...words(stop));
    const room = box.clientWidth - tip.offsetWidth;
    const high = top !== null && top < box.clientHeight / 2;
    const aside = left > room ? left - tip.offsetWidth - 12 : left + 12;
    put(tip, Math.max(0, Math.min(aside, room)), high ? box.clientHeight - tip.offsetHeight - 28 : 8);
  }

  /**
   * @param {Stop} stop
   * @returns {[number, number | null]} pixels within the box
   */
  function at({ x, y }) {
    const { left, top: above } = view.view.padding();
    const [originX, originY] = view.view.origin().map((/** @type {number} */ px, /** @type {number} */ n) => px + (n ? above : left));
    const scale = view.view.scale("x");
    const middle = scale.bandwidth ? scale.bandwidth() / 2 : 0;
    const top = y === null ? null : originY + view.view.scale("y")(y);
    return [originX + scale(x) + middle, top];
  }

  /** @param {PointerEvent} event */
  function point(event) {
    const { left, top } = box.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    let [nearest, least] = [-1, kind === "dots" ? FAR_PX : Infinity];
    stops.forEach((stop, index) => {
      const [stopX, stopY] = at(stop);
      const away = kind === "dots" ? Math.hypot(stopX - x, (stopY ?? 0) - y) : Math.abs(stopX - x);
      if (away < least) [nearest, least] = [index, away];
    });
    if (nearest !== reached) mark(nearest);
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (event.key === "Escape") return mark(-1);
    const step = KEYS[/** @type {keyof typeof KEYS} */ (event.key)];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const from = reached < 0 && step < 0 ? stops.length : reached;
    mark(Math.max(0, Math.min(stops.length - 1, from + step)));
    if (said) said.textContent = sentence(stops[reached]);
  }

  box.addEventListener("pointermove", point);
  box.addEventListener("pointerdown", point);
  // A finger that was lifted leaves too: what it touched stays readable until another place is.
  box.addEventListener("pointerleave", ({ pointerType }) => {
    if (pointerType === "mouse" && !box.matches(":focus-visible")) mark(-1);
  });
  box.addEventListener("keydown", key);
  box.addEventListener("focusout", () => mark(-1));
  return {
    redraw: async () => {
      view.finalize();
      view = await draw();
      mark(reached);
    },
    finalize: () => view.finalize(),
  };
}

/**
 * @param {HTMLElement} part
 * @param {number} left
 * @param {number | null} top
 */
function put(part, left, top) {
  part.style.left = `${left}px`;
  part.style.top = top === null ? "" : `${top}px`;
}

/** @param {Stop} stop */
function title({ name, at }) {
  const when = at === null ? "" : clockTime(new Date(at), new Date(clock.now()));
  return [name, when].filter(Boolean).join(" · ");
}

/**
 * @param {Stop} stop
 * @returns {HTMLElement[]}
 */
function words(stop) {
  const list = element("dl", "");
  for (const [look, name, text] of stop.rows) {
    const term = element("dt", "");
    if (look) term.append(element("span", `swatch ${look}`));
    term.append(name);
    list.append(term, element("dd", "", text));
  }
  return [element("b", "", title(stop)), list];
}

/** @param {Stop} stop */
function sentence(stop) {
  return `${title(stop)}: ${stop.rows.map(([, name, text]) => `${name} ${text}`).join(", ")}`;
}

/**
 * Return a spec with the page's colours and font in place of the names of tokens.
 *
 * @param {any} spec
 * @param {HTMLElement} place
 */
function coloured(spec, place) {
  const probe = element("span", "");
  // Where a system's few colours are forced on text, series would all be one: marks keep their own, as the legend's do.
  probe.style.forcedColorAdjust = "none";
  place.append(probe);
  /** @param {any} part @returns {any} */
  const walk = (part) => {
    if (Array.isArray(part)) return part.map(walk);
    if (part && typeof part === "object") {
      return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, walk(value)]));
    }
    if (typeof part !== "string" || !part.startsWith("--")) return part;
    if (part === "--font") return getComputedStyle(place).fontFamily;
    probe.style.color = `var(${part})`;
    return getComputedStyle(probe).color;
  };
  const result = walk(spec);
  probe.remove();
  return result;
}
