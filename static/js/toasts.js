/**
 * Short news in the corner, read out to who cannot see them.
 *
 *   toast({tone, sign, title, text, about})    tone ok, warn or bad; sign is an icon; gone after 8 s,
 *                                              or with the next one about the same
 */

import { button, element, icon } from "./dom.js";

const TOAST_MS = 8_000;
const MOST = 4;

/** @param {{tone: string, sign: string, title: string, text?: string, about?: string}} news */
export function toast({ tone, sign, title, text = "", about = "" }) {
  const place = document.getElementById("toasts");
  if (about) place?.querySelector(`[data-about="${about}"]`)?.remove();
  const box = element("div", "toast");
  box.dataset.tone = tone;
  if (about) box.dataset.about = about;
  const body = element("div", "");
  body.append(element("b", "", title), ...(text ? [element("p", "", text)] : []));
  const close = button("", () => box.remove(), "quiet square");
  close.setAttribute("aria-label", "Dismiss");
  close.append(icon("i-x"));
  box.append(icon(sign), body, close);
  place?.append(box);
  while (place && place.childElementCount > MOST) place.firstElementChild?.remove();
  setTimeout(() => box.remove(), TOAST_MS);
  return box;
}
