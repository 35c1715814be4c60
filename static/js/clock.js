/**
 * Time on the page.
 *
 *   clock.hear(iso)     a message of the server says that it is `iso` there now
 *   clock.meet(iso)     the same, on a connection that has just begun
 *   clock.now()         milliseconds since 1970 on the server's clock, NaN before the first word
 *   clock.show(root)    put every <time data-…> within root into words
 *   clock.start(each)   do that for the page now and each second, and call each() after it
 *   duration(ms)        48s, 2m 14s, 1h 05m, 3d 4h
 *
 *   <time data-since="ISO">                counts up
 *   <time data-until="ISO">                counts down: "in 4 s", "now"
 *   <time data-clock="ISO">                14:32; with data-seconds 14:32:08; other days with day
 *         data-earliest data-latest        said in the title; with data-spread also as "± 2 min"
 *         data-note                        said in the title
 *
 * The browser's wall clock is never asked: it may be wrong, and may jump. The server's time is its
 * last word plus what `performance.now()` counted since. Clock times are in the viewer's zone.
 */

const NBSP = "\u00a0";
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_MS = 86_400_000;
// A message that was held up on its way makes the server look slow: the newest few words are kept
// and the one that was fastest is believed. Not those of long ago: a laptop may have slept since.
const WORDS_KEPT = 8;
const WORDS_KEPT_MS = 60_000;

/** @type {{offset: number, heardAt: number}[]} server time minus performance.now(), and when */
let words = [];

export const clock = { hear, meet, now, show, start };

/** @param {string} iso */
function hear(iso) {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return;
  const heardAt = performance.now();
  const recent = words.filter((word) => heardAt - word.heardAt < WORDS_KEPT_MS);
  words = [...recent.slice(1 - WORDS_KEPT), { offset: at - heardAt, heardAt }];
}

/** @param {string} iso the first word on a new connection: what was reckoned before is forgotten */
function meet(iso) {
  words = [];
  hear(iso);
}

/** @returns {number} */
function now() {
  return words.length ? Math.max(...words.map((word) => word.offset)) + performance.now() : NaN;
}

/** @param {() => void} each */
function start(each) {
  show(document);
  each();
  setTimeout(() => start(each), untilNextSecond());
}

/** @returns {number} milliseconds until the server's clock shows another second */
function untilNextSecond() {
  const at = now();
  return Number.isNaN(at) ? 1000 : 1000 - (at % 1000) + 5;
}

/** @param {ParentNode} root */
function show(root) {
  const at = now();
  if (Number.isNaN(at)) return;
  for (const time of root.querySelectorAll("time[data-since], time[data-until], time[data-clock]")) {
    put(time, at);
  }
}

/**
 * @param {HTMLElement} time
 * @param {number} at
 */
function put(time, at) {
  const { since, until, clock: moment } = time.dataset;
  if (since) say(time, duration(frozen(time, at) - Date.parse(since)), full(since));
  else if (until) say(time, countdown(Date.parse(until) - at), full(until));
  else if (moment) say(time, momentWords(time, at), momentTitle(time));
}

/**
 * Write only what changed, so that nothing is laid out anew for nothing.
 *
 * @param {HTMLElement} time
 * @param {string} words
 * @param {string} title
 */
function say(time, words, title) {
  if (time.textContent !== words) time.textContent = words;
  if (time.title !== title) time.title = title;
}

/**
 * In a stale card nobody knows whether the work still goes on: its clocks stand where it was last
 * heard of. Those of its notice go on, for they count the silence.
 *
 * @param {HTMLElement} time
 * @param {number} at
 * @returns {number}
 */
function frozen(time, at) {
  const card = time.closest("[data-stale]");
  const heard = card && !time.closest(".notice") ? Date.parse(card.dataset.heard) : NaN;
  return Number.isNaN(heard) ? at : heard;
}

/**
 * @param {number} ms
 * @returns {string}
 */
export function duration(ms) {
  if (Number.isNaN(ms)) return "–";
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s}s`;
  const [m, h, d] = [Math.floor(s / 60), Math.floor(s / 3600), Math.floor(s / 86_400)];
  if (h < 1) return `${m}m${NBSP}${two(s % 60)}s`;
  if (h < 48) return `${h}h${NBSP}${two(m % 60)}m`;
  return `${d}d${NBSP}${h % 24}h`;
}

/**
 * @param {number} ms
 * @returns {string}
 */
export function countdown(ms) {
  if (Number.isNaN(ms)) return "–";
  const s = Math.ceil(ms / 1000);
  if (s <= 0) return "now";
  return s < 60 ? `in${NBSP}${s}${NBSP}s` : `in ${duration(s * 1000)}`;
}

/**
 * @param {HTMLElement} time
 * @param {number} at
 * @returns {string}
 */
function momentWords(time, at) {
  const words = clockTime(new Date(time.dataset.clock), new Date(at), "seconds" in time.dataset);
  return "spread" in time.dataset ? words + spread(time.dataset) : words;
}

/**
 * @param {Date} moment
 * @param {Date} today
 * @param {boolean} seconds
 * @returns {string} 14:32, Wed 16:32, 7 Nov 16:02, 2 Sep 2024
 */
export function clockTime(moment, today, seconds = false) {
  if (Number.isNaN(moment.getTime())) return "–";
  const hours = `${two(moment.getHours())}:${two(moment.getMinutes())}`;
  const time = seconds ? `${hours}:${two(moment.getSeconds())}` : hours;
  const days = Math.round((midnight(moment) - midnight(today)) / DAY_MS);
  if (days === 0) return time;
  if (Math.abs(days) < 7) return `${DAYS[moment.getDay()]}${NBSP}${time}`;
  const date = `${moment.getDate()}${NBSP}${MONTHS[moment.getMonth()]}`;
  const same = moment.getFullYear() === today.getFullYear();
  return same ? `${date}${NBSP}${time}` : `${date}${NBSP}${moment.getFullYear()}`;
}

/**
 * @param {DOMStringMap} data
 * @returns {string} " ± 2 min", "" where it is too little to tell
 */
function spread({ clock: middle, earliest, latest }) {
  const at = Date.parse(middle);
  const most = Math.max(at - Date.parse(earliest), Date.parse(latest) - at) / 1000;
  if (!(most >= 5)) return "";
  const words =
    most < 60 ? `${Math.round(most)}${NBSP}s`
    : most < 3600 ? `${Math.round(most / 60)}${NBSP}min`
    : duration(most * 1000);
  return ` ±${NBSP}${words}`;
}

/**
 * @param {HTMLElement} time
 * @returns {string}
 */
function momentTitle(time) {
  const { clock: moment, earliest, latest, note } = time.dataset;
  const range = earliest && latest ? `between ${hms(earliest)} and ${hms(latest)}` : "";
  return [full(moment), range, note].filter(Boolean).join(", ");
}

/**
 * @param {string} iso
 * @returns {string} Thu 20 Nov 2025 14:32:08
 */
function full(iso) {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return "";
  const date = `${moment.getDate()} ${MONTHS[moment.getMonth()]} ${moment.getFullYear()}`;
  return `${DAYS[moment.getDay()]} ${date} ${hms(iso)}`;
}

/**
 * @param {string} iso
 * @returns {string}
 */
function hms(iso) {
  const moment = new Date(iso);
  return [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join(":");
}

/** @param {Date} moment */
function midnight(moment) {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
}

/** @param {number} number */
function two(number) {
  return String(number).padStart(2, "0");
}
