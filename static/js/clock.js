/**
 * Time on the page.
 *
 *   clock.hear(iso)     a message of the server says that it is `iso` there now
 *   clock.meet(iso)     the same, on a connection that has just begun
 *   clock.now()         milliseconds since 1970 on the server's clock, NaN before the first word
 *   clock.show(root)    put every <time data-…> within root into words
 *   clock.start(each)   do that for the page now and each second, and call each() after it
 *   duration(ms)        48s, 2m 14s, 1h 05m, 3d 4h
 *   zoneName()          the zone that times are told in: <html data-time-zone>, else the browser's
 *   zoneOffset(date)    how far that is from UTC then: UTC+02:00
 *
 *   <time data-since="ISO">                counts up
 *   <time data-until="ISO">                counts down: "in 4 s", "now"
 *   <time data-clock="ISO">                14:32; with data-seconds 14:32:08; other days with day
 *         data-day                         the day alone: 7 Nov, 2 Sep 2024
 *         data-earliest data-latest        said in the title; with data-spread also as "± 2 min"
 *         data-note                        said in the title
 *
 * The browser's wall clock is never asked: it may be wrong, and may jump. The server's time is its
 * last word plus what `performance.now()` counted since. Clock times are in the zone that the viewer
 * chose (Settings > me), else in the browser's.
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
  const [moment, today] = [new Date(time.dataset.clock), new Date(at)];
  if ("day" in time.dataset) return dayWords(moment, today);
  const words = clockTime(moment, today, "seconds" in time.dataset);
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
  const [then, day] = [inZone(moment), inZone(today)];
  const hours = `${two(then.hour)}:${two(then.minute)}`;
  const time = seconds ? `${hours}:${two(then.second)}` : hours;
  const days = Math.round((midnight(then) - midnight(day)) / DAY_MS);
  if (days === 0) return time;
  if (Math.abs(days) < 7) return `${weekday(then)}${NBSP}${time}`;
  const date = `${then.day}${NBSP}${MONTHS[then.month - 1]}`;
  return then.year === day.year ? `${date}${NBSP}${time}` : `${date}${NBSP}${then.year}`;
}

/**
 * @param {Date} moment
 * @param {Date} today
 * @returns {string} 7 Nov, 2 Sep 2024
 */
function dayWords(moment, today) {
  if (Number.isNaN(moment.getTime())) return "–";
  const [then, day] = [inZone(moment), inZone(today)];
  const date = `${then.day}${NBSP}${MONTHS[then.month - 1]}`;
  return then.year === day.year ? date : `${date}${NBSP}${then.year}`;
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
  const then = inZone(moment);
  return `${weekday(then)} ${then.day} ${MONTHS[then.month - 1]} ${then.year} ${hms(iso)}`;
}

/**
 * @param {string} iso
 * @returns {string}
 */
function hms(iso) {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return "–";
  const then = inZone(moment);
  return [then.hour, then.minute, then.second].map(two).join(":");
}

/**
 * @typedef {{year: number, month: number, day: number, hour: number, minute: number,
 *   second: number}} Parts what a clock and a calendar show; months count from 1
 */

/** @returns {string} */
export function zoneName() {
  parting();
  // As it was chosen: some browsers call Asia/Kathmandu by its older name.
  return refused ? own() : document.documentElement.dataset.timeZone || own();
}

function own() {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/**
 * @param {Date} moment
 * @returns {string}
 */
export function zoneOffset(moment) {
  const minutes = Math.round((asUtc(inZone(moment)) - moment.getTime()) / 60_000);
  const [sign, far] = [minutes < 0 ? "-" : "+", Math.abs(minutes)];
  return `UTC${sign}${two(Math.floor(far / 60))}:${two(far % 60)}`;
}

/** @type {Intl.DateTimeFormat | undefined} */
let format;
// Whether this browser does not know the zone that was chosen.
let refused = false;

/** @returns {Intl.DateTimeFormat} */
function parting() {
  format ??= formatOf(document.documentElement.dataset.timeZone || undefined);
  return format;
}

/**
 * @param {string | undefined} timeZone undefined: the browser's
 * @returns {Intl.DateTimeFormat}
 */
function formatOf(timeZone) {
  /** @type {Intl.DateTimeFormatOptions} */
  const numbers = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric",
    minute: "numeric", second: "numeric", hourCycle: "h23" };
  try {
    return new Intl.DateTimeFormat("en-GB", { ...numbers, timeZone });
  } catch {
    refused = true;
    return new Intl.DateTimeFormat("en-GB", numbers);
  }
}

/**
 * @param {Date} moment a valid one
 * @returns {Parts}
 */
function inZone(moment) {
  const parts = parting().formatToParts(moment).map(({ type, value }) => [type, Number(value)]);
  return Object.fromEntries(parts);
}

/** @param {Parts} then */
function asUtc({ year, month, day, hour, minute, second }) {
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** @param {Parts} then */
function midnight({ year, month, day }) {
  return Date.UTC(year, month - 1, day);
}

/** @param {Parts} then */
function weekday(then) {
  return DAYS[new Date(midnight(then)).getUTCDay()];
}

/** @param {number} number */
function two(number) {
  return String(number).padStart(2, "0");
}
