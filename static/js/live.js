/**
 * Keep a page true while it is open: what the server sends is put in place, times tick, and the
 * page says when it hears nothing. See docs/live-page.md; docs/live-protocol.md has the messages.
 *
 * A page becomes live by <main data-live="/live/" data-topics="team-1" data-at="ISO server time">
 * and this module. `globalThis.live` then is an EventTarget:
 *
 *   live.state            idle, connecting, live, stale, silent, reconnecting, polling, offline,
 *                         paused or refused
 *   live.isConnected      messages come as they happen (live, stale, silent, paused)
 *   live.isConnecting     connecting or reconnecting
 *   live.isStreaming      connected, and a server at work was heard of within 10 s
 *   live.usingFallback    the page is polled, or streamed because no socket is to be had
 *   live.transport        socket, stream, poll or null
 *   live.error            what went wrong, as a sentence; null while nothing is
 *   live.lastUpdate       time of the last message on the server's clock, as a Date, or null
 *   live.reconnectAttempt the attempt that goes on or comes next, 0 while there is none
 *   live.shownAt          performance.now() when something was last put in place
 *   live.topics           what is followed
 *   live.messages         how many came, live.length their length in characters, live.lag_ms the
 *                         last round trip; of them live.malformed made no sense; live.gaps
 *   live.waiting          how many changes wait while the page is paused
 *   live.options          {enabled, buffer_ms, reconnect_attempts, reconnect_delay_ms,
 *                         poll_ms, debug}
 *   live.place(topic)     {epoch, seq} that is shown, or undefined
 *   live.connect() live.disconnect() live.retry() live.reset()
 *   live.pause() live.resume()
 *   live.subscribe(topic) live.unsubscribe(topic)
 *
 * Its events, each once per cause: "state" (detail: the state of link.js), "connect", "disconnect",
 * "update" (detail: the messages that were put in place), "error" (detail: {data, error}).
 */

import { clock } from "./clock.js";
import { showLink } from "./conn.js";
import { showNumbers } from "./debug.js";
import { openLink } from "./link.js";
import { understood } from "./messages.js";
import { Malformed, age, change, prepare, replaceAll } from "./wall.js";

const ACK_MS = 5_000;
// Read by the server before it counts a viewer as too far behind (following.py).
const ACK_LENGTH = 64 * 1024;
const RESUBSCRIBE_MS = 5_000;
// More is not kept while the page is paused: it asks for all when it goes on.
const PAUSED_LIMIT = 2_000;
const OPTIONS = {
  enabled: true,
  buffer_ms: 200,
  reconnect_attempts: 5,
  reconnect_delay_ms: 1000,
  poll_ms: 30_000,
  debug: new URLSearchParams(location.search).has("debug"),
};

class Live extends EventTarget {
  /** @param {HTMLElement} main */
  constructor(main) {
    super();
    this.options = { ...OPTIONS, ...JSON.parse(main.dataset.liveOptions || "{}") };
    this.malformed = this.gaps = this.messages = this.length = 0;
    this.lastUpdate = /** @type {Date | null} */ (null);
    this.lag_ms = NaN;
    this.link = /** @type {any} */ ({ name: "idle" });
    this.stale = false;
    this._base = new URL(main.dataset.live ?? "", location.href);
    /** @type {Map<string, {epoch: string, seq: number} | null>} how far we are in each topic */
    this._topics = new Map((main.dataset.topics ?? "").split(" ").map(read));
    /** @type {Map<string, {epoch: string, seq: number}>} how far the page is */
    this._shown = new Map();
    /** @type {Map<string, number>} when a topic was asked for again, after a gap */
    this._asked = new Map();
    /** @type {any[]} */
    this._queue = [];
    this._paused = this._overflowed = false;
    this.shownAt = -Infinity;
    this._timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
    this._unread = { length: 0, since: NaN };
    this._hear(main.dataset.at ?? "");
    this._link = openLink({
      address: (kind) => this._address(kind),
      onText: (text) => this._receive(text),
      onState: (state) => this._become(state),
      attempts: this.options.reconnect_attempts,
      delay_s: this.options.reconnect_delay_ms / 1000,
      poll_ms: this.options.poll_ms,
    });
  }

  // --- What it is ------------------------------------------------------------------------------

  get state() {
    if (this.link.name !== "live") return this.link.name;
    if (this._paused) return "paused";
    return this.stale ? "stale" : "live";
  }

  get isConnected() {
    return ["live", "silent"].includes(this.link.name);
  }

  get isConnecting() {
    return ["connecting", "reconnecting"].includes(this.link.name);
  }

  get isStreaming() {
    return this.link.name === "live" && document.querySelector(".streaming:not(.last-known *)") !== null;
  }

  get usingFallback() {
    return this.transport === "poll" || this.transport === "stream";
  }

  get transport() {
    return this._link.kind;
  }

  get reconnectAttempt() {
    return this.link.attempt ?? 0;
  }

  get error() {
    const { name, of, code } = this.link;
    if (name === "offline") return `Failed to connect after ${of} attempts`;
    if (name === "polling") return `Failed to connect after ${this.options.reconnect_attempts} attempts, polling`;
    if (name === "refused") return code === 4401 ? "Signed out" : "No access";
    return name === "reconnecting" ? "Connection lost" : null;
  }

  get waiting() {
    return this._paused ? this._queue.filter((message) => message.type === "change").length : 0;
  }

  get topics() {
    return [...this._topics.keys()];
  }

  /** @param {string} topic */
  place(topic) {
    return this._shown.get(topic);
  }

  // --- What it does ----------------------------------------------------------------------------

  connect() {
    this._link.connect();
  }

  disconnect() {
    this._link.disconnect();
  }

  retry() {
    this._link.retry();
  }

  /** Forget everything and begin anew, once. */
  reset() {
    clearTimeout(this._timer);
    this.malformed = this.gaps = 0;
    this._queue = [];
    this._asked.clear();
    for (const topic of this._topics.keys()) this._topics.set(topic, null);
    this._link.disconnect();
    this._link.connect();
  }

  pause() {
    if (this._paused) return;
    this._flush();
    this._paused = true;
    this._tell(this.link);
  }

  resume() {
    if (!this._paused) return;
    this._paused = false;
    if (this._overflowed) this._startOver();
    this._overflowed = false;
    this._flush();
    this._tell(this.link);
  }

  /** @param {string} topic */
  subscribe(topic) {
    if (this._topics.has(topic)) return;
    this._topics.set(topic, null);
    this._ask("subscribe", topic);
  }

  /** @param {string} topic */
  unsubscribe(topic) {
    if (this._topics.delete(topic)) this._ask("unsubscribe", topic);
  }

  // --- How -------------------------------------------------------------------------------------

  /**
   * @param {string} type
   * @param {string} topic
   */
  _ask(type, topic) {
    if (this.transport === "socket") this._link.send(JSON.stringify({ type, topic }));
    else if (this.isConnected) this._link.reopen();
  }

  /** @param {string} kind */
  _address(kind) {
    const path = { socket: "socket/", stream: "events/", poll: "snapshot/" }[kind] ?? "";
    const url = new URL(path, this._base);
    const places = kind === "poll" ? [...this._topics.keys()] : [...this._topics].map(written);
    for (const place of places) url.searchParams.append("topic", place);
    return url.href;
  }

  /** @param {any} state */
  _become(state) {
    const was = this.isConnected;
    this.link = state;
    this._debug(state.name, state);
    this._tell(state);
    if (was !== this.isConnected) this.dispatchEvent(new Event(was ? "disconnect" : "connect"));
  }

  /** @param {any} state */
  _tell(state) {
    const detail = { ...state, name: this.state, waiting: this.waiting };
    this.dispatchEvent(new CustomEvent("state", { detail }));
  }

  /** @param {unknown} data */
  _receive(data) {
    try {
      const message = understood(data);
      this._hear(message.at);
      this.messages += 1;
      this.length += String(data).length;
      this._unread.length += String(data).length;
      this._take(message);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.malformed += 1;
      if (this.malformed === 1) console.warn("live: a message made no sense:", error.message);
      this.dispatchEvent(new CustomEvent("error", { detail: { data, error } }));
    }
    if (performance.now() - this._unread.since > ACK_MS || this._unread.length > ACK_LENGTH) {
      this.acknowledge();
    }
  }

  /** @param {string} at */
  _hear(at) {
    clock.hear(at);
    const time = new Date(at);
    if (!Number.isNaN(time.getTime())) this.lastUpdate = time;
  }

  /** @param {any} message */
  _take(message) {
    this._debug(message.type, message);
    if (message.type === "hello") {
      clock.meet(message.at);
      this._link.beatS(message.beat_s);
    }
    if (message.type === "beat" && message.sent) this.lag_ms = performance.now() - message.sent;
    if (message.type === "error") console.warn("live:", message.reason);
    if (message.type === "resumed") this._resumed(message);
    if (message.type === "snapshot") this._enqueue(message, true);
    if (message.type === "change" && this._follows(message)) this._enqueue(message, false);
  }

  /** @param {any} message */
  _resumed({ topic, epoch, seq }) {
    if (!this._topics.has(topic)) return;
    this._topics.set(topic, { epoch, seq });
    this._shown.set(topic, { epoch, seq });
    this._asked.delete(topic);
    this._link.works();
  }

  /**
   * Say whether a change is the next one of its topic; after a gap ask for what is missing.
   *
   * @param {any} message
   */
  _follows({ topic, epoch, seq }) {
    const place = this._topics.get(topic);
    if (!place || (epoch === place.epoch && seq <= place.seq)) return false;
    if (epoch === place.epoch && seq === place.seq + 1) return !this._asked.has(topic);
    this._close(topic, place);
    return false;
  }

  /**
   * Close a gap: over the socket, or where that gave no answer, by opening anew.
   *
   * @param {string} topic
   * @param {{epoch: string, seq: number}} place
   */
  _close(topic, place) {
    const asked = this._asked.get(topic);
    const now = performance.now();
    if (asked !== undefined && now - asked < RESUBSCRIBE_MS) return;
    this.gaps += asked === undefined ? 1 : 0;
    this._asked.set(topic, now);
    if (asked === undefined && this.transport === "socket") {
      this._link.send(JSON.stringify({ type: "subscribe", topic: written([topic, place]) }));
    } else {
      this._asked.clear();
      this._link.reopen();
    }
  }

  /** Ask for everything, as the first time. */
  _startOver() {
    for (const topic of this._topics.keys()) this._topics.set(topic, null);
    this._queue = [];
    this._link.reopen();
  }

  /**
   * Prepare a message now, and put it in place with the others of its time.
   *
   * @param {any} message
   * @param {boolean} whole
   */
  _enqueue(message, whole) {
    const { topic, epoch, seq } = message;
    if (!this._topics.has(topic)) return;
    const before = this._topics.get(topic);
    const lost = Boolean(before) && before?.epoch !== epoch;
    this._queue.push({ ...message, ready: prepare(message), lost });
    this._topics.set(topic, { epoch, seq });
    if (Number.isNaN(this._unread.since)) this._unread.since = performance.now();
    if (whole) {
      this._asked.delete(topic);
      this._link.works();
    }
    if (this._paused) this._hold();
    else this._schedule();
  }

  _hold() {
    if (this._queue.length > PAUSED_LIMIT) {
      this._queue = [];
      this._overflowed = true;
    }
    this._tell(this.link);
  }

  /** The first after quiet at once, the others together: a throttle, so nothing waits for ever. */
  _schedule() {
    if (this._timer !== undefined) return;
    const wait_ms = this.shownAt + this.options.buffer_ms - performance.now();
    if (wait_ms <= 0) this._flush();
    else this._timer = setTimeout(() => this._flush(), wait_ms);
  }

  _flush() {
    clearTimeout(this._timer);
    this._timer = undefined;
    if (this._paused || !this._queue.length) return;
    this.shownAt = performance.now();
    const messages = this._queue.splice(0);
    for (const message of messages) {
      put(message);
      this._shown.set(message.topic, { epoch: message.epoch, seq: message.seq });
    }
    clock.show(document);
    this.look();
    this.dispatchEvent(new CustomEvent("update", { detail: messages }));
  }

  /** Say how far we have read: the server cuts off who reads no more. */
  acknowledge() {
    if (Number.isNaN(this._unread.since)) return;
    this._unread = { length: 0, since: NaN };
    const alone = this._topics.size === 1;
    for (const [topic, place] of this._topics) {
      const about = alone ? {} : { topic };
      if (place) this._link.send(JSON.stringify({ type: "ack", ...about, seq: place.seq }));
    }
  }

  /** Each second: grey what is old, and notice silence. */
  look() {
    this._link.check();
    const stale = age(clock.now());
    if (stale === this.stale) return;
    this.stale = stale;
    if (this.link.name === "live") this._tell(this.link);
  }

  /** The network went or came back, as the browser believes. */
  suspect() {
    this._link.suspect();
    this._link.retry();
  }

  /**
   * @param {string} what
   * @param {any} detail
   */
  _debug(what, detail) {
    if (this.options.debug) console.debug(`live: ${what} ${JSON.stringify(detail).slice(0, 500)}`);
  }
}

/** @param {any} message */
function put({ topic, type, ready, lost }) {
  if (type === "snapshot" && topic.startsWith("team-")) replaceAll(ready, lost);
  else change(ready);
}

/**
 * @param {string} text a topic, with the place that the page was served at or without
 * @returns {[string, {epoch: string, seq: number} | null]}
 */
function read(text) {
  const [topic, epoch, seq] = text.split(/[@.]/);
  return [topic, epoch ? { epoch, seq: Number(seq) } : null];
}

/** @param {[string, {epoch: string, seq: number} | null]} topic and place */
function written([topic, place]) {
  return place ? `${topic}@${place.epoch}.${place.seq}` : topic;
}

/** @param {HTMLElement} main */
function follow(main) {
  const live = new Live(main);
  const shown = [showLink(live), showNumbers(live)];
  clock.start(() => {
    live.look();
    for (const part of shown) part.tick();
  });
  setInterval(() => live.acknowledge(), ACK_MS);
  addEventListener("online", () => live.suspect());
  addEventListener("offline", () => live.suspect());
  addEventListener("pageshow", (event) => event.persisted && live.suspect());
  addEventListener("pagehide", (event) => event.persisted || live.disconnect());
  document.addEventListener("visibilitychange", () => document.hidden || live.suspect());
  if (live.options.enabled) live.connect();
  return live;
}

const main = /** @type {HTMLElement | null} */ (document.querySelector("main[data-live]"));
if (main) Object.assign(globalThis, { live: follow(main) });
