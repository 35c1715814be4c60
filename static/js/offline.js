/**
 * The offline page: looks whether the site is back, and then opens what was asked for.
 *
 *   <main data-ask="/service-worker.js" data-here="/offline/" data-home="/">
 *
 * It stands under the address that could not be opened. It imports nothing, for only itself is kept.
 */

const DELAYS_S = [2, 4, 8, 10];
const JITTER = 0.2; // a site that comes back is not met by everybody in the same moment
const PATIENCE_MS = 10_000;

const main = document.getElementById("main");
const button = document.getElementById("again");
const next = document.getElementById("next");
const said = document.getElementById("said");
let tries = 0;
let at = 0;
let asking = false;

/** Whether the site itself answers: a proxy in front of it has no policy to send. */
async function answers() {
  try {
    const options = { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) };
    const answer = await fetch(main.dataset.ask, options);
    return answer.headers.has("content-security-policy");
  } catch {
    return false;
  }
}

async function ask() {
  if (asking) return;
  asking = true;
  show();
  if (await answers()) return open();
  asking = false;
  const seconds = DELAYS_S[Math.min(tries, DELAYS_S.length - 1)];
  tries += 1;
  at = performance.now() + seconds * 1000 * (1 + JITTER * (2 * Math.random() - 1));
  show();
}

function open() {
  if (location.pathname === main.dataset.here) location.replace(main.dataset.home);
  else location.reload();
}

/** The countdown is for the eye; to who listens the end of a try is said, by a press of the button. */
function show() {
  const left = Math.max(0, Math.ceil((at - performance.now()) / 1000));
  next.textContent = asking ? "Trying …" : `Next try in ${left} s`;
}

function tick() {
  // A tab that nobody sees asks for nothing.
  if (document.hidden || asking) return;
  if (performance.now() >= at) ask();
  else show();
}

button.addEventListener("click", async () => {
  said.textContent = "";
  await ask();
  said.textContent = "It does not answer yet.";
});
addEventListener("online", ask);
document.addEventListener("visibilitychange", () => document.hidden || ask());
setInterval(tick, 500);
ask();
