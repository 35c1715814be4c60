/**
 * What the server says, as docs/live-protocol.md promises it.
 *
 *   understood(data)     the message; throws Malformed where its envelope is not as promised
 *
 * Types that a later server may add are not known here, and are no mistake: they are left alone.
 */

import { Malformed } from "./wall.js";

const VERSION = 1;
// Beyond this it is no time that a Date can tell.
const LONGEST_AGO_MS = 1e14;
const PLACED = ["snapshot", "change", "resumed"];

/**
 * Returns it with every list there, patches of three texts each, and what was heard of as patches.
 *
 * @param {unknown} data
 * @returns {any}
 */
export function understood(data) {
  const message = Object(parse(data));
  const { v, type, at, topic, epoch, seq } = message;
  if (v !== VERSION) throw new Malformed(`expected version ${VERSION}`);
  if (typeof type !== "string") throw new Malformed("expected a type");
  if (typeof at !== "string" || Number.isNaN(Date.parse(at))) throw new Malformed("expected a time");
  if (!PLACED.includes(type)) return message;
  const placed = typeof topic === "string" && typeof epoch === "string";
  if (!placed || !Number.isSafeInteger(seq) || seq < 0) {
    throw new Malformed("expected topic, epoch and seq");
  }
  const { patches = [], heard = [] } = message;
  if (!Array.isArray(patches) || !Array.isArray(heard)) throw new Malformed("expected lists");
  const told = heard.map((each) => heardOf(each, Date.parse(at)));
  return { fragments: [], feed: [], ...message, patches: [...patches.map(named), ...told] };
}

/**
 * A patch of two is a text.
 *
 * @param {any} patch
 */
function named(patch) {
  return Array.isArray(patch) && patch.length === 2 ? [patch[0], "text", patch[1]] : patch;
}

/**
 * @param {any} heard server, and how many ms before the message it was heard of
 * @param {number} at
 */
function heardOf(heard, at) {
  const [server, ago_ms] = Array.isArray(heard) ? heard : [];
  if (!Number.isSafeInteger(server) || !Number.isInteger(ago_ms) || Math.abs(ago_ms) > LONGEST_AGO_MS) {
    throw new Malformed("expected servers heard of, with ms");
  }
  // As the server writes times into attributes: nothing changes where the same is told again.
  const since = new Date(at - ago_ms).toISOString().replace("Z", "+00:00");
  return [`server-${server}`, "data-heard", since];
}

/** @param {unknown} data */
function parse(data) {
  if (typeof data !== "string") throw new Malformed("expected text");
  try {
    return JSON.parse(data);
  } catch {
    throw new Malformed("expected JSON");
  }
}
