// Buttons that copy the text of the element they name. Browsers lend the clipboard to secure pages
// only; elsewhere the button stays hidden and the text can be selected.

function copies(button) {
  const label = button.querySelector("span");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      label.textContent = "Copied";
    } catch {
      label.textContent = "Select and copy it by hand";
    }
  });
}

if (navigator.clipboard) document.querySelectorAll("[data-copy]").forEach(copies);
