/**
 * Small elements that scripts make: element(name, look, text), icon(name, look), button(…).
 */

/**
 * @param {string} name
 * @param {string} look
 * @param {string} text
 */
export function element(name, look, text = "") {
  const made = document.createElement(name);
  if (look) made.className = look;
  made.textContent = text;
  return made;
}

/**
 * @param {string} name
 * @param {string} look
 */
export function icon(name, look = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${look}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  return svg;
}

/**
 * @param {string} text
 * @param {() => void} press
 * @param {string} look
 */
export function button(text, press, look = "") {
  const made = element("button", `btn small ${look}`.trim(), text);
  made.setAttribute("type", "button");
  made.addEventListener("click", press);
  return made;
}

/**
 * Put new children in place; who had the focus on the old button has it on the new one.
 *
 * @param {HTMLElement} box
 * @param {Element[]} children
 */
export function fill(box, ...children) {
  const focused = box.contains(document.activeElement);
  box.replaceChildren(...children);
  if (focused) /** @type {HTMLElement | null} */ (box.querySelector("button, a"))?.focus();
}
