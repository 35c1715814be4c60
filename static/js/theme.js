// The viewer's colour scheme: system, dark or light. A classic script in the head, so that the
// choice is set before the first paint.
//
// Who is signed in has it from the account (<html data-account-theme>), on every machine; this
// browser remembers it for the pages before that, such as signing in.
(() => {
  "use strict";
  const KEY = "theme";
  const root = document.documentElement;

  /** @returns {string} what this browser remembers; "system" for nothing, or blocked storage */
  const kept = () => {
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

  const chosen = () => root.dataset.accountTheme ?? kept();

  /** @param {string} theme */
  const show = (theme) => {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
    }
  };

  /**
   * Save the choice in the account; where that fails the page goes back to what the account says.
   *
   * @param {HTMLFormElement} form
   * @param {string} theme
   */
  const save = async (form, theme) => {
    const body = new URLSearchParams(new FormData(form));
    body.set("theme", theme);
    const options = { method: "POST", body, redirect: "manual", keepalive: true };
    const answer = await fetch(form.action, options).catch(() => null);
    if (answer?.type === "opaqueredirect") root.dataset.accountTheme = theme;
    keep(chosen());
    show(chosen());
  };

  show(chosen());
  if (root.dataset.accountTheme) keep(chosen());
  document.addEventListener("DOMContentLoaded", () => show(chosen()));
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-theme-form]");
    if (!form) return;
    event.preventDefault();
    const theme = event.submitter?.dataset.themeChoice ?? "system";
    keep(theme);
    show(theme);
    if (root.dataset.accountTheme) save(form, theme);
  });
  // Another tab of this browser changed its mind.
  addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    if (root.dataset.accountTheme) root.dataset.accountTheme = kept();
    show(chosen());
  });
})();
