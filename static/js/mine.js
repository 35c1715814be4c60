/**
 * Whose prompts are whose: the page is the same for everybody, and <main data-mine='["mira"]'> names
 * the viewer and the client_ids that are theirs.
 *
 *   markMine()    mark every row [data-by] that is the viewer's with data-is-mine, and say how many
 */

const main = document.getElementById("main");
const names = new Set(JSON.parse(main?.dataset.mine ?? "[]"));

export function markMine() {
  if (!names.size) return;
  for (const row of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-by]"))) {
    row.toggleAttribute("data-is-mine", names.has(row.dataset.by));
  }
  say();
}

function say() {
  const place = document.getElementById("mine-count");
  if (!place) return;
  const [runs, waits] = [".scene-live", ".upnext:not(.ended) li"].map(
    (row) => document.querySelectorAll(`#servers ${row}[data-is-mine]`).length,
  );
  const text = runs + waits ? `${runs} at work, ${waits} next in a queue` : "nothing here now";
  if (place.textContent !== text) place.textContent = text;
}
