/**
 * The times of a page that is served once: told in the viewer's zone, and the footer names it.
 *
 * Live pages tick theirs themselves (live.js); here they are put into words once. Without this
 * module they stand as the server wrote them, in the zone that the footer then names.
 */

import { clock, zoneName, zoneOffset } from "./clock.js";

const footer = /** @type {HTMLElement | null} */ (document.querySelector("footer[data-now]"));
if (footer) {
  if (!document.querySelector("main[data-live]")) {
    clock.hear(footer.dataset.now ?? "");
    clock.show(document);
  }
  put("[data-told-zone]", zoneName());
  put("[data-told-offset]", zoneOffset(new Date(footer.dataset.now ?? "")));
}

/**
 * @param {string} place
 * @param {string} words
 */
function put(place, words) {
  const element = footer?.querySelector(place);
  if (element) element.textContent = words;
}
