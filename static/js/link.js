/**
 * One connection to the server that is opened again when it breaks: as a WebSocket, where that is
 * refused as an event stream, where that is refused too by polling; and back.
 *
 *   const link = openLink({address, onText, onState, attempts, delay_s, poll_ms})
 *     address(kind)       where to go for "socket", "stream" or "poll" now
 *   link.connect()        begin; nothing where there is a connection already
 *   link.disconnect()     end, and stay disconnected
 *   link.retry()          try now (a person asks, the network is back)
 *   link.works()          this connection works: called when a first message made sense
 *   link.reopen()         open it anew; the server begins with what is missing
 *   link.send(text)       on a socket; else nothing
 *   link.suspect()        the network may be gone: demand a word within 5 s
 *   link.check()          called each second: notes silence, says a beat
 *   link.beatS(seconds)   the server gives a sign of life at least this often
 *   link.kind             socket, stream, poll or null
 *
 * onState gets one of
 *   {name: "idle"}                                    not begun, or disconnected by hand
 *   {name: "connecting"}                              the first try
 *   {name: "live", kind}
 *   {name: "silent", since}                           nothing came, not even a beat
 *   {name: "reconnecting", attempt, of, nextAt, crowded}   nextAt by performance.now(), null: trying now
 *   {name: "polling", every_s, crowded}               after the attempts failed
 *   {name: "offline", of, nextAt, crowded}            polling fails as well
 *   {name: "refused", code}                           the server does not want us: no retry
 * crowded: too many connections of this person are open, as the server says; it may change.
 */

import { openSocket, openStream, poll } from "./transports.js";

const OPENERS = { socket: openSocket, stream: openStream };
const LONGEST_DELAY_S = 60;
const JITTER = 0.2;
// A first word takes a round trip; a proxy that swallows the upgrade never gives one.
const OPENING_MS = 10_000;
// A tab that nobody sees asks for nothing more often than this.
const HIDDEN_POLL_MS = 60_000;
// What runs as a stream tries now and then whether a socket has become possible.
const UPGRADE_MS = 60_000;
// A connection that holds this long counts as good: the next loss begins with attempt 1 again.
const STABLE_MS = 30_000;
const SUSPECT_MS = 5_000;
const REFUSED = [4400, 4401, 4403, 4404];
const TOO_MANY = 4429;

/** @typedef {"socket" | "stream"} Kind */
/** @typedef {{send: (text: string) => unknown, close: () => void}} Transport */

/**
 * @param {{address: (kind: Kind | "poll") => string, onText: (text: unknown) => void,
 *   onState: (state: any) => void, attempts?: number, delay_s?: number,
 *   poll_ms?: number}} options
 */
export function openLink({ address, onText, onState, attempts = 5, delay_s = 1, poll_ms = 30_000 }) {
  /** @type {Transport | null} */
  let current = null;
  /** @type {Transport | null} */
  let candidate = null;
  /** @type {Kind | "poll" | null} */
  let kind = null;
  let name = "idle";
  let failures = 0;
  let crowded = false;
  let beat_ms = 30_000;
  let heardAt = 0;
  let saidAt = 0;
  let suspectedAt = NaN;
  let goodSince = NaN;
  let reopenedAt = -Infinity;
  let upgradedAt = 0;
  /** @type {string | null} */
  let etag = null;
  let turn = 0; // grows with every new beginning: what belongs to an older one is not heard
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let opening;

  /** @param {{name: string}} state */
  const become = (state) => {
    name = state.name;
    onState(state);
  };

  const drop = () => {
    turn += 1;
    clearTimeout(timer);
    clearTimeout(opening);
    candidate?.close();
    current?.close();
    candidate = current = kind = null;
    goodSince = suspectedAt = NaN;
  };

  /** @returns {Kind[]} */
  const kinds = () => ("WebSocket" in globalThis ? ["socket", "stream"] : ["stream"]);

  /**
   * Open the first of the kinds that works. What is current meanwhile goes on until then.
   *
   * @param {Kind[]} wanted
   * @param {() => void} failed
   */
  const open = ([first, ...others], failed) => {
    clearTimeout(opening);
    candidate?.close();
    candidate = null;
    if (!first) return failed();
    const next = () => open(others, failed);
    const mine = OPENERS[first](address(first), {
      onText(text) {
        if (mine === candidate) adopt(mine, first);
        if (mine === current) hear(text);
      },
      onLost(why) {
        if (mine === current || mine === candidate) crowded ||= why.code === TOO_MANY;
        if (mine === current) lost(why);
        else if (mine !== candidate) return;
        else if (REFUSED.includes(why.code)) refuse(why.code);
        else next();
      },
    });
    candidate = mine;
    opening = setTimeout(next, OPENING_MS);
  };

  /**
   * @param {Transport} transport
   * @param {Kind} its
   */
  const adopt = (transport, its) => {
    clearTimeout(opening);
    clearTimeout(timer);
    current?.close();
    [current, candidate, kind] = [transport, null, its];
    crowded = false;
    goodSince = suspectedAt = NaN;
    saidAt = upgradedAt = performance.now();
  };

  /** @param {unknown} text */
  const hear = (text) => {
    heardAt = performance.now();
    suspectedAt = NaN;
    onText(text);
    if (name === "silent") become({ name: "live", kind });
  };

  /** @param {{code: number, over: boolean}} why */
  const lost = ({ code, over }) => {
    drop();
    if (REFUSED.includes(code)) refuse(code);
    else if (over) open(["stream"], failed);
    else failed();
  };

  /** @param {number} code */
  const refuse = (code) => {
    drop();
    become({ name: "refused", code });
  };

  const failed = () => {
    failures += 1;
    if (failures > attempts) {
      ask();
      return;
    }
    const delay_ms = jittered(Math.min(LONGEST_DELAY_S, delay_s * 2 ** (failures - 1))) * 1000;
    timer = setTimeout(again, delay_ms);
    const nextAt = performance.now() + delay_ms;
    become({ name: "reconnecting", attempt: failures, of: attempts, nextAt, crowded });
  };

  const again = () => {
    clearTimeout(timer);
    become({ name: "reconnecting", attempt: failures, of: attempts, nextAt: null, crowded });
    crowded = false;
    open(kinds(), failed);
  };

  /** Poll once, and where anybody looks, try again for something better. */
  const ask = async () => {
    const mine = turn;
    const wait_ms = document.hidden ? Math.max(HIDDEN_POLL_MS, poll_ms) : poll_ms;
    const nextAt = performance.now() + wait_ms;
    timer = setTimeout(ask, wait_ms);
    if (name === "offline") become({ name, of: attempts, nextAt: null, crowded });
    if (!document.hidden && failures > attempts + 1) open(kinds(), () => {});
    failures += 1;
    try {
      const told = await poll(address("poll"), etag);
      if (mine !== turn || current) return;
      kind = "poll";
      etag = told.etag;
      heardAt = performance.now();
      if (name !== "polling") become({ name: "polling", every_s: wait_ms / 1000, crowded });
      for (const text of told.texts) onText(text);
    } catch (error) {
      if (mine !== turn || current) return;
      kind = null;
      const { code } = /** @type {any} */ (error);
      crowded ||= code === TOO_MANY;
      if (REFUSED.includes(code)) refuse(code);
      else become({ name: "offline", of: attempts, nextAt, crowded });
    }
  };

  return {
    get kind() {
      return kind;
    },

    connect() {
      if (name !== "idle") return;
      failures = 0;
      become({ name: "connecting" });
      open(kinds(), failed);
    },

    disconnect() {
      drop();
      etag = null;
      become({ name: "idle" });
    },

    retry() {
      if (["live", "refused", "idle", "connecting"].includes(name)) return;
      drop();
      failures = Math.max(1, failures);
      if (failures <= attempts) return again();
      failures = attempts + 2; // ask for something better at once, too
      ask();
    },

    works() {
      if (kind === "poll" || !current) return;
      if (Number.isNaN(goodSince)) goodSince = performance.now();
      if (name !== "live") become({ name: "live", kind });
    },

    reopen() {
      const now = performance.now();
      const often = now - reopenedAt < STABLE_MS;
      reopenedAt = now;
      drop();
      etag = null;
      if (often) failed();
      else open(kinds(), failed);
    },

    /** @param {string} text */
    send(text) {
      saidAt = performance.now();
      current?.send(text);
    },

    suspect() {
      if (!current || kind !== "socket") return;
      suspectedAt = performance.now();
      this.send(JSON.stringify({ type: "beat", sent: suspectedAt }));
    },

    check() {
      if (!current) return;
      const now = performance.now();
      const quiet = now - heardAt;
      if (now - goodSince > STABLE_MS) failures = 0;
      if (quiet > 2 * beat_ms || now - suspectedAt > SUSPECT_MS) lost({ code: 1006, over: false });
      else if (quiet > 1.2 * beat_ms && name === "live") become({ name: "silent", since: heardAt });
      else if (kind === "socket" && now - saidAt > beat_ms) {
        this.send(JSON.stringify({ type: "beat", sent: now }));
      } else if (kind === "stream" && !document.hidden && now - upgradedAt > UPGRADE_MS) {
        upgradedAt = now;
        open(["socket"], () => {});
      }
    },

    /** @param {number} seconds */
    beatS(seconds) {
      beat_ms = seconds * 1000;
    },
  };
}

/** @param {number} seconds */
function jittered(seconds) {
  return seconds * (1 + JITTER * (2 * Math.random() - 1));
}
