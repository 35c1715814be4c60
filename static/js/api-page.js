/**
 * The API's page: a route is asked with the session of who looks at it, and its answer shown below.
 *
 *   <form data-try action="/api/v1/servers/{server_id}">    parts of the path are inputs data-in="path"
 *
 * Without this module a form opens the answer as a page, where nothing of it stands in the path.
 */

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-try]"))) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(form);
  });
}

/** @param {HTMLFormElement} form */
async function ask(form) {
  const said = /** @type {HTMLElement} */ (form.querySelector("[data-said]"));
  const place = /** @type {HTMLElement} */ (form.querySelector("[data-answer]"));
  const address = addressOf(form);
  const began = performance.now();
  said.textContent = "Asking …";
  try {
    const answer = await fetch(address, { headers: { accept: "application/json" }, redirect: "error" });
    const text = await answer.text();
    const ms = Math.round(performance.now() - began);
    said.textContent = `${answer.status} ${answer.statusText}, ${ms} ms`;
    place.textContent = `GET ${address}\n\n${pretty(text)}`;
    place.hidden = false;
  } catch {
    said.textContent = "It could not be asked: the site does not answer.";
  }
}

/** @param {HTMLFormElement} form */
function addressOf(form) {
  let path = form.getAttribute("action") ?? "";
  const query = new URLSearchParams();
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("[data-in]"))) {
    const { name, value } = input;
    if (input.dataset.in === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value) query.append(name, value);
  }
  return query.size ? `${path}?${query}` : path;
}

/** @param {string} text */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
