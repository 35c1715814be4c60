/**
 * What the server says, as docs/live-protocol.md promises it.
 *
 *   understood(data)     the message; throws Malformed where its envelope is not as promised
 *
 * Types that a later server may add are not known here, and are no mistake: they are left alone.
 */

import { Malformed } from "./wall.js";

const VERSION = 1;
const PLACED = ["snapshot", "change", "resumed"];

/**
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
  return { fragments: [], patches: [], feed: [], ...message };
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
