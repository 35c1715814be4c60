// Buttons that copy the text of the element they name. Browsers lend the clipboard to secure pages
// only; elsewhere the button stays hidden and the text can be selected.

/** @param {Event} event */
async function copy({ target }) {
  const button = target instanceof Element ? target.closest("[data-copy]") : null;
  const label = button?.querySelector("span");
  if (!(button instanceof HTMLElement) || !label) return;
  const text = document.getElementById(button.dataset.copy ?? "")?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = "Copied";
  } catch {
    label.textContent = "Select and copy it by hand";
  }
}

function show() {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.removeAttribute("hidden");
}

if (navigator.clipboard) {
  show();
  document.addEventListener("click", copy);
  // A part of the page that is asked for again comes with its buttons hidden.
  const options = { subtree: true, childList: true, attributeFilter: ["hidden"] };
  new MutationObserver(show).observe(document.body, options);
}
