/**
 * Make an element on the page equal to a new one without throwing away what is the same.
 *
 *   morph(old, fresh)    returns the element that stands on the page afterwards
 *
 * The outcome is that of `old.replaceWith(fresh)`. But an element that is in both stays the same
 * object: so it keeps its focus, its scroll position, a selection in it, whether a <details> is
 * open, and a bar that grows moves to its new width instead of jumping.
 *
 * An element with data-flash whose words change has data-changed for a moment, which tints it: not for
 * what changes every second.
 *
 * What stands below an element with data-own was put there by a script, and stays (chart.js).
 *
 * Children are paired by `id` or `data-key` where they have one, else with the next one of the
 * same kind.
 */

const FLASH_MS = 600;

/**
 * @param {Element} old
 * @param {Element} fresh
 * @returns {Element}
 */
export function morph(old, fresh) {
  if (!alike(old, fresh)) {
    old.replaceWith(fresh);
    return fresh;
  }
  if (old.hasAttribute("data-own") || old.isEqualNode(fresh)) return old;
  const [before, after] = [old.textContent ?? "", fresh.textContent ?? ""];
  // What was not known before did not change.
  const changed = fresh.hasAttribute("data-flash") && before !== after && !before.startsWith("–");
  syncAttributes(old, fresh);
  syncChildren(old, fresh);
  if (changed) flash(old);
  return old;
}

/** @param {Element} element */
function flash(element) {
  element.setAttribute("data-changed", "");
  setTimeout(() => element.removeAttribute("data-changed"), FLASH_MS);
}

/**
 * @param {Node} a
 * @param {Node} b
 */
function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
}

/** @param {Node} node */
function keyOf(node) {
  return node instanceof Element ? node.id || node.getAttribute("data-key") : null;
}

/**
 * @param {Element} old
 * @param {Element} fresh
 */
function syncAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    // Whether a <details> is open is the viewer's choice.
    const kept = name === "open" && old instanceof HTMLDetailsElement;
    if (!fresh.hasAttribute(name) && !kept) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

/**
 * @param {Element} old
 * @param {Element} fresh
 */
function syncChildren(old, fresh) {
  removeGone(old, fresh);
  /** @type {ChildNode | null} the first child of old that has no pair yet */
  let next = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const pair = findPair(next, child);
    if (pair === null) {
      old.insertBefore(child, next);
      continue;
    }
    if (pair === next) next = next.nextSibling;
    else old.insertBefore(pair, next);
    if (pair instanceof Element) morph(pair, /** @type {Element} */ (child));
    else if (pair.nodeValue !== child.nodeValue) pair.nodeValue = child.nodeValue;
  }
  while (next) {
    const after = next.nextSibling;
    next.remove();
    next = after;
  }
}

/**
 * Remove first what is not coming back, so that what stays need not be moved: moving an element
 * costs it its focus.
 *
 * @param {Element} old
 * @param {Element} fresh
 */
function removeGone(old, fresh) {
  const staying = new Set([...fresh.children].map(keyOf));
  for (const child of [...old.children]) {
    if (!staying.has(keyOf(child))) child.remove();
  }
}

/**
 * @param {ChildNode | null} from
 * @param {ChildNode} child
 * @returns {ChildNode | null}
 */
function findPair(from, child) {
  const keyed = keyOf(child);
  for (let node = from; node; node = node.nextSibling) {
    if (alike(node, child)) return node;
    // Text is paired in place or not at all: it has nothing worth moving.
    if (!keyed && !(child instanceof Element)) return null;
  }
  return null;
}
