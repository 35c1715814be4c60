/**
 * Shows a page of our own where the site cannot be reached, and does nothing else.
 *
 * config/offline.py serves it at the root of the site, with a first line that says what to keep:
 *
 *   const KEPT = {version, page, files}
 *
 * Kept are that page and its files, asked for without cookies. Every other request goes past this
 * worker untouched: streams, polls, forms that are sent, files. A visit goes to the network, always:
 * no page that was served once is ever shown again. What is kept has the version in its name and is
 * thrown away by the next one's activation, which waits for nobody.
 */

const PREFIX = "scenewatch-offline-";
const NAME = PREFIX + KEPT.version;
// A proxy answers for a site that is gone. Each answer of the site itself has a policy.
const FROM_A_PROXY = [502, 503, 504];
const OURS = "content-security-policy";

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const { mode, method, url } = event.request;
  // A form that cannot be sent is left to the browser, which can send it again.
  if (mode === "navigate") method === "GET" && event.respondWith(visit(event));
  else if (isKept(new URL(url))) event.respondWith(kept(event.request));
});

async function keep() {
  const cache = await caches.open(NAME);
  const addresses = [KEPT.page, ...KEPT.files];
  await cache.addAll(
    addresses.map((address) => new Request(address, { credentials: "omit", cache: "reload" })),
  );
  await self.skipWaiting();
}

async function takeOver() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
  // The request goes out while the worker starts, so that it costs a visit no time.
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
}

/** @param {URL} url */
function isKept({ origin, pathname, search }) {
  return origin === self.location.origin && KEPT.files.includes(pathname + search);
}

/** @param {FetchEvent} event */
async function visit(event) {
  try {
    const answer = (await event.preloadResponse) ?? (await fetch(event.request));
    const gone = FROM_A_PROXY.includes(answer.status) && !answer.headers.has(OURS);
    return gone ? kept(new Request(KEPT.page)) : answer;
  } catch {
    return kept(new Request(KEPT.page));
  }
}

/** @param {Request} request */
async function kept(request) {
  const cache = await caches.open(NAME);
  return (await cache.match(request, { ignoreVary: true })) ?? Response.error();
}
