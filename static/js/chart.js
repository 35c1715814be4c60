/**
 * Charts: each is asked for when it comes into view, and drawn into its card.
 *
 *   <article data-chart="/data/" data-library="/vega.js"><div data-own>…</div></article>
 *
 * The answer holds the figure (sentence, legend, table), the Vega-Lite spec, and what is read at each
 * place. It is asked for again after the part of the page around it was refreshed (refresh.js): where
 * the card has a data-version, only if that is another one; 304 unless something changed. Colours are the page's: another scheme draws anew. Where the
 * library cannot be had the table stands open instead. Nothing moves by itself.
 */

import { clock } from "./clock.js";
import { button, element } from "./dom.js";
import { plot } from "./plot.js";

const NEAR = "200px";
/** @type {Map<HTMLElement, {tag: string, version?: string, plotted?: {redraw: () => void, finalize: () => void}}>} */
const drawn = new Map();
/** @type {Map<string, Promise<any>>} */
const libraries = new Map();

const near = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      show(/** @type {HTMLElement} */ (target));
    }
  },
  { rootMargin: NEAR },
);

function find() {
  for (const card of drawn.keys()) if (!card.isConnected) forget(card);
  for (const card of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-chart]"))) {
    const known = drawn.get(card);
    if (!known) near.observe(card);
    else if (!card.dataset.version || card.dataset.version !== known.version) show(card);
  }
}

/** @param {HTMLElement} card */
function forget(card) {
  drawn.get(card)?.plotted?.finalize();
  drawn.delete(card);
}

/** @param {HTMLElement} card */
async function show(card) {
  const body = /** @type {HTMLElement} */ (card.querySelector("[data-own]"));
  const { version } = card.dataset;
  // A redirect leads to signing in, which is no chart.
  const options = /** @type {const} */ ({ cache: "no-cache", redirect: "manual", credentials: "same-origin" });
  const answer = await fetch(card.dataset.chart ?? "", options).catch(() => null);
  const told = answer?.ok ? await answer.json().catch(() => null) : null;
  if (told === null) return drawn.has(card) || failed(card, body);
  const tag = answer?.headers.get("ETag") ?? "";
  const known = drawn.get(card);
  if (known?.tag === tag) return void (known.version = version);
  known?.plotted?.finalize();
  drawn.set(card, { tag, version });
  const open = body.querySelector("details.twin")?.hasAttribute("open") ?? false;
  body.innerHTML = told.figure;
  body.querySelector("details.twin")?.toggleAttribute("open", open);
  clock.show(body);
  await draw(card, body, told);
}

/**
 * @param {HTMLElement} card
 * @param {HTMLElement} body
 * @param {any} told
 */
async function draw(card, body, told) {
  const box = /** @type {HTMLElement | null} */ (body.querySelector("[data-plot]"));
  if (!box) return;
  try {
    const embed = await library(card.dataset.library ?? "");
    const plotted = await plot(box, told, embed);
    const known = drawn.get(card);
    if (known && box.isConnected) known.plotted = plotted;
    else plotted.finalize();
    // For who measures (benchmarks/charts.py): behind the frame that shows it.
    requestAnimationFrame(() => setTimeout(() => performance.mark("chart-drawn", { detail: card.id })));
  } catch (error) {
    box.replaceWith(element("p", "muted small", "The chart could not be drawn; these are its values."));
    body.querySelector("details.twin")?.setAttribute("open", "");
    console.warn("chart:", error);
  }
}

/**
 * @param {string} address
 * @returns {Promise<any>} vegaEmbed
 */
function library(address) {
  const coming = libraries.get(address) ?? import(address).then(() => /** @type {any} */ (globalThis).vegaEmbed);
  libraries.set(address, coming);
  // The next chart may try again.
  coming.catch(() => libraries.delete(address));
  return coming;
}

/**
 * @param {HTMLElement} card
 * @param {HTMLElement} body
 */
function failed(card, body) {
  body.querySelector("[data-failed]")?.remove();
  const row = element("p", "muted small", "Could not load the chart. ");
  row.dataset.failed = "";
  row.append(button("Try again", () => show(card)));
  body.append(row);
}

function repaint() {
  for (const { plotted } of drawn.values()) plotted?.redraw();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
document.addEventListener("refreshed", find);
find();
