/**
 * Keep a page true while it is open: what the server sends is put in place, times tick, and the
 * page says when it hears nothing. See docs/live-page.md.
 *
 * A page becomes live by <main data-live="/ws/team/SLUG/" data-at="ISO server time"> and this
 * module. `globalThis.live` then is
 *
 *   live.malformed     how many messages could not be understood
 *   live.onmalformed   called with (data, error) for each of them; null at first
 *   live.epoch         which count of changes we follow; null before the first snapshot
 *   live.seq           how far we have come in it
 *   live.state         connecting, live, reconnecting, offline or refused
 *   live.retry()       connect now
 */

import { clock } from "./clock.js";
import { showLink } from "./conn.js";
import { openLink } from "./link.js";
import { Malformed, age, change, prepare, replaceAll } from "./wall.js";

const VERSION = 1;
const ACK_MS = 5_000;

/** @param {HTMLElement} main */
function follow(main) {
  const live = {
    malformed: 0,
    /** @type {((data: unknown, error: Error) => void) | null} */
    onmalformed: null,
    /** @type {string | null} */
    epoch: null,
    seq: 0,
    state: "connecting",
    retry: () => link.retry(),
  };
  let heardAt = new Date(main.dataset.at ?? "");
  let acknowledged = 0;

  clock.hear(main.dataset.at ?? "");
  const shown = showLink({ retry: live.retry, asOf: () => heardAt });
  const link = openLink(addressOf(main), {
    onMessage: receive,
    onState(state) {
      live.state = state.name;
      shown.state(state);
    },
  });
  clock.start(() => {
    link.check();
    shown.tick();
    age(clock.now());
  });
  setInterval(acknowledge, ACK_MS);
  addEventListener("online", live.retry);
  addEventListener("pageshow", (event) => event.persisted && live.retry());
  return live;

  /** @param {unknown} data */
  function receive(data) {
    try {
      take(understood(data));
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      live.malformed += 1;
      if (live.malformed === 1) console.warn("live: a message made no sense:", error.message);
      live.onmalformed?.(data, error);
    }
  }

  /** @param {any} message */
  function take(message) {
    if (message.type === "snapshot") takeSnapshot(message);
    if (message.type === "change") takeChange(message);
    clock.hear(message.at);
    heardAt = new Date(message.at);
    clock.show(document);
    age(clock.now());
  }

  /** @param {any} message */
  function takeSnapshot(message) {
    const ready = prepare(message);
    replaceAll(ready, live.epoch !== null && live.epoch !== message.epoch);
    live.epoch = message.epoch;
    live.seq = acknowledged = message.seq;
    link.stable();
  }

  /** @param {any} message */
  function takeChange(message) {
    if (message.epoch === live.epoch && message.seq <= live.seq) return;
    const ready = prepare(message);
    if (message.epoch !== live.epoch || message.seq > live.seq + 1) {
      link.resync();
      return;
    }
    change(ready);
    live.seq = message.seq;
  }

  function acknowledge() {
    if (live.seq === acknowledged) return;
    acknowledged = live.seq;
    link.send(JSON.stringify({ type: "ack", epoch: live.epoch, seq: live.seq }));
  }
}

/** @param {HTMLElement} main */
function addressOf(main) {
  const url = new URL(main.dataset.live ?? "", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/**
 * Return a message whose envelope is what the protocol promises.
 *
 * @param {unknown} data
 */
function understood(data) {
  const message = Object(parse(data));
  const { v, type, at, epoch, seq } = message;
  if (v !== VERSION) throw new Malformed(`expected version ${VERSION}`);
  if (!["snapshot", "change", "beat"].includes(type)) throw new Malformed("unknown type");
  if (typeof at !== "string" || Number.isNaN(Date.parse(at))) throw new Malformed("expected a time");
  const counted = typeof epoch === "string" && Number.isSafeInteger(seq) && seq >= 0;
  if (type !== "beat" && !counted) throw new Malformed("expected epoch and seq");
  return message;
}

/** @param {unknown} data */
function parse(data) {
  if (typeof data !== "string") throw new Malformed("expected text");
  try {
    return JSON.parse(data);
  } catch {
    throw new Malformed("expected JSON");
  }
}

const main = /** @type {HTMLElement | null} */ (document.querySelector("main[data-live]"));
if (main) Object.assign(globalThis, { live: follow(main) });
