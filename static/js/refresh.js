/**
 * Parts of a page that come from the record, asked for anew now and then:
 * <div data-refresh="/address/">. What is asked for replaces its content.
 *
 * Not while the tab is hidden, and not while somebody is in there: whoever is about to press a
 * button, has opened a fold or selects a text must not lose it. The page says nothing if it cannot
 * be asked; the connection beside the account says that already.
 */

import { clock } from "./clock.js";

const EVERY_MS = 15_000;

for (const part of document.querySelectorAll("[data-refresh]")) {
  setInterval(() => refresh(/** @type {HTMLElement} */ (part)), EVERY_MS);
}

/** @param {HTMLElement} part */
async function refresh(part) {
  if (document.hidden || inUse(part)) return;
  // A redirect leads to signing in, which is no part of this page.
  const options = /** @type {const} */ ({ redirect: "manual", credentials: "same-origin" });
  const answer = await fetch(part.dataset.refresh ?? "", options).catch(() => null);
  if (!answer?.ok) return;
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  if (inUse(part)) return;
  part.replaceChildren(template.content);
  clock.show(part);
}

/** @param {HTMLElement} part */
function inUse(part) {
  const selection = getSelection();
  const selecting = selection && !selection.isCollapsed && part.contains(selection.anchorNode);
  return part.matches(":focus-within") || selecting || part.querySelector("details[open]") !== null;
}
