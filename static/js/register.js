/**
 * Have the browser keep the offline page (service-worker.js): over https, or on this machine. Other
 * browsers do not allow it; then they show a page of their own where the site cannot be reached.
 */

const worker = /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=worker]"));

if (worker && isSecureContext && "serviceWorker" in navigator) {
  // Storage may be blocked, or full. Nothing but this one page depends on it.
  navigator.serviceWorker.register(worker.content).catch(() => {});
}
