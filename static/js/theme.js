// The viewer's colour scheme: system, dark or light. A classic script in the head, so that the
// choice is set before the first paint.
(() => {
  "use strict";
  const KEY = "theme";

  /** @returns {string} what was chosen; "system" where nothing was, or where storage is blocked */
  const chosen = () => {
    try {
      const theme = localStorage.getItem(KEY);
      return theme === "dark" || theme === "light" ? theme : "system";
    } catch {
      return "system";
    }
  };

  /** @param {string} theme */
  const keep = (theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Storage is blocked: the choice holds for this page.
    }
  };

  /** @param {string} theme */
  const show = (theme) => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
    }
  };

  show(chosen());
  document.addEventListener("DOMContentLoaded", () => show(chosen()));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    keep(button.dataset.themeChoice);
    show(button.dataset.themeChoice);
  });
  // Another tab of this browser changed its mind.
  addEventListener("storage", (event) => {
    if (event.key === KEY) show(chosen());
  });
})();
