/**
 * What a screen has beyond the wall: a clock, on the server's time in the screen's zone, and an end.
 * The clock counts even while nothing comes, so it also shows that the page itself is alive.
 */

import { clock } from "./clock.js";

// A link that was revoked shows nothing any more: loaded again, the page is not there.
const GONE = [4403, 4404];
const GONE_MS = 5_000;

const time = document.getElementById("wall-clock");

function tick() {
  const at = clock.now();
  if (time && !Number.isNaN(at)) time.dataset.clock = new Date(at).toISOString();
}

setInterval(tick, 1000);

/** @type {any} */ (globalThis).live?.addEventListener("state", (/** @type {any} */ event) => {
  const { name, code } = event.detail;
  if (name === "refused" && GONE.includes(code)) setTimeout(() => location.reload(), GONE_MS);
});
