/**
 * One WebSocket that is opened again when it breaks.
 *
 *   const link = openLink(url, {onMessage, onState})
 *   link.send(text)     where the socket is open; else nothing
 *   link.stable()       this connection works: called once a first message made sense
 *   link.resync()       drop this socket and open another one: the server begins with a snapshot
 *   link.retry()        try now (a person asks)
 *   link.check()        called each second: notes silence, and that a connection has lasted
 *
 * onState gets one of
 *   {name: "connecting"}                              the first try
 *   {name: "live"}
 *   {name: "reconnecting", attempt, of, nextAt}       nextAt by performance.now(), null: trying now
 *   {name: "offline", of, nextAt}                     all attempts failed; goes on each 30 s
 *   {name: "refused", code}                           the server does not want us: no retry
 */

const DELAYS_S = [1, 2, 4, 8, 16];
const OFFLINE_S = 30;
const JITTER = 0.2;
// A connection that holds this long counts as good: the next loss begins with attempt 1 again.
const STABLE_MS = 30_000;
// Beats come every 10 s. A socket that says nothing for longer than two of them is dead, whatever
// the browser believes: a laptop that slept, a network that changed.
const SILENCE_MS = 25_000;
const REFUSED = [4401, 4403, 4404];

/**
 * @param {string} url
 * @param {{onMessage: (data: unknown) => void, onState: (state: object) => void}} listeners
 */
export function openLink(url, { onMessage, onState }) {
  /** @type {WebSocket | null} */
  let socket = null;
  let failures = 0;
  let heardAt = 0;
  let goodSince = NaN;
  let resyncedAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let name = "";

  /** @param {{name: string}} state */
  const become = (state) => {
    name = state.name;
    onState(state);
  };

  const connect = () => {
    clearTimeout(timer);
    heardAt = performance.now();
    const mine = (socket = new WebSocket(url));
    mine.onmessage = ({ data }) => {
      if (mine !== socket) return;
      heardAt = performance.now();
      onMessage(data);
    };
    mine.onclose = ({ code }) => {
      if (mine === socket) lost(code);
    };
  };

  /** Forget the socket before closing it: a dead one may take minutes to tell that it closed. */
  const drop = () => {
    const old = socket;
    socket = null;
    old?.close();
  };

  /** @param {number} code */
  const lost = (code) => {
    drop();
    clearTimeout(timer);
    goodSince = NaN;
    if (REFUSED.includes(code)) become({ name: "refused", code });
    else later();
  };

  const later = () => {
    failures += 1;
    const offline = failures > DELAYS_S.length;
    const delay_ms = jittered(offline ? OFFLINE_S : DELAYS_S[failures - 1]) * 1000;
    const nextAt = performance.now() + delay_ms;
    timer = setTimeout(again, delay_ms);
    if (offline) become({ name: "offline", of: DELAYS_S.length, nextAt });
    else become({ name: "reconnecting", attempt: failures, of: DELAYS_S.length, nextAt });
  };

  const again = () => {
    connect();
    if (failures > DELAYS_S.length) become({ name: "offline", of: DELAYS_S.length, nextAt: null });
    else become({ name: "reconnecting", attempt: failures, of: DELAYS_S.length, nextAt: null });
  };

  become({ name: "connecting" });
  connect();

  return {
    /** @param {string} text */
    send(text) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(text);
    },

    stable() {
      if (Number.isNaN(goodSince)) goodSince = performance.now();
      if (name !== "live") become({ name: "live" });
    },

    resync() {
      const now = performance.now();
      const often = now - resyncedAt < STABLE_MS;
      resyncedAt = now;
      drop();
      goodSince = NaN;
      if (often) later();
      else connect();
    },

    retry() {
      if (name === "live" || name === "refused") return;
      failures = Math.max(1, failures);
      drop();
      again();
    },

    check() {
      const now = performance.now();
      if (now - goodSince > STABLE_MS) failures = 0;
      if (socket && now - heardAt > SILENCE_MS) lost(1006);
    },
  };
}

/** @param {number} seconds */
function jittered(seconds) {
  return seconds * (1 + JITTER * (2 * Math.random() - 1));
}
