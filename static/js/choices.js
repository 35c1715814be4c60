/**
 * What a viewer chooses to see. It stands in the address, so that a link and a reload show the same:
 * ?dense=1&mine=1&feed=problems
 *
 *   <button data-choice="dense" data-value="1">    chooses; data-value="" is what needs no word
 *   data-toggle on it                              pressed again it takes its choice back
 *
 * The chosen buttons are aria-pressed, and <main data-show-NAME="VALUE"> says it to the stylesheet.
 */

/** @typedef {HTMLButtonElement & {dataset: {choice: string, value: string}}} Choice */

const buttons = /** @type {NodeListOf<Choice>} */ (document.querySelectorAll("button[data-choice]"));
const main = document.getElementById("main");

for (const button of buttons) button.addEventListener("click", () => choose(button));
show();

/** @param {Choice} button */
function choose(button) {
  const { choice, value } = button.dataset;
  const back = "toggle" in button.dataset && chosen(choice) === value;
  const address = new URL(location.href);
  if (back || value === "") address.searchParams.delete(choice);
  else address.searchParams.set(choice, value);
  history.replaceState(history.state, "", address);
  show();
}

/** @param {string} choice */
function chosen(choice) {
  return new URL(location.href).searchParams.get(choice) ?? "";
}

function show() {
  for (const button of buttons) {
    const { choice, value } = button.dataset;
    button.setAttribute("aria-pressed", String(chosen(choice) === value));
    main?.setAttribute(`data-show-${choice}`, chosen(choice));
  }
  document.getElementById("servers")?.classList.toggle("compact", chosen("dense") === "1");
}
