// Menus are <details data-menu>: open and shut without this. Here: one at a time, shut by Escape
// (focus goes back to the button), by a click elsewhere, and when the keyboard goes elsewhere: an open
// menu would cover what has the focus.

const open = () => document.querySelectorAll("details[data-menu][open]");

for (const elsewhere of ["click", "focusin"]) {
  document.addEventListener(elsewhere, (event) => {
    for (const menu of open()) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  }
});
