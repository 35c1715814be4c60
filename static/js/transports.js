/**
 * The three ways that messages come: WebSocket, event stream, poll. All say the same texts.
 *
 *   openSocket(url, {onText, onLost})   a WebSocket
 *   openStream(url, {onText, onLost})   an event stream, read by fetch: EventSource tells no status
 *     both return {send(text), close()}; after close() nothing is called any more, else
 *     onText(text) for each message and onLost({code, over}) once. `over`: it ended as planned.
 *   poll(url, etag)                     resolves to {texts, etag}; rejects with {code}
 *
 * Codes are those that a socket is closed with; 1006 is a network that failed.
 */

const FAILED = 1006;

/**
 * @typedef {{onText: (text: unknown) => void, onLost: (why: {code: number, over: boolean}) => void}} Ears
 */

/**
 * @param {string} url
 * @param {Ears} ears
 */
export function openSocket(url, { onText, onLost }) {
  const address = new URL(url, location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address.href);
  let open = true;
  socket.onmessage = ({ data }) => open && onText(data);
  socket.onclose = ({ code }) => open && onLost({ code, over: false });
  return {
    /** @param {string} text */
    send: (text) => socket.readyState === WebSocket.OPEN && socket.send(text),
    /** Forget the socket first: a dead one may take minutes to tell that it closed. */
    close() {
      open = false;
      socket.close();
    },
  };
}

/**
 * @param {string} url
 * @param {Ears} ears
 */
export function openStream(url, { onText, onLost }) {
  const stop = new AbortController();
  const ended = (/** @type {number} */ code, over = false) =>
    stop.signal.aborted || onLost({ code, over });
  listen(url, stop.signal, onText).then(
    () => ended(1000, true),
    (error) => ended(error.code ?? FAILED),
  );
  return { send() {}, close: () => stop.abort() };
}

/**
 * @param {string} url
 * @param {AbortSignal} signal
 * @param {(text: string) => void} onText
 */
async function listen(url, signal, onText) {
  const headers = { accept: "text/event-stream" };
  const response = await fetch(url, { signal, headers, cache: "no-store" });
  const streams = (response.headers.get("content-type") ?? "").startsWith("text/event-stream");
  if (!response.ok || !response.body || !streams) throw { code: await codeOf(response) };
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data: ")) onText(line.slice(6));
  }
}

/**
 * @param {string} url
 * @param {string | null} etag
 */
export async function poll(url, etag) {
  const headers = etag === null ? {} : { "if-none-match": etag };
  const response = await fetch(url, { headers, cache: "no-store" });
  if (response.status === 304) return { texts: [], etag };
  if (!response.ok) throw { code: await codeOf(response) };
  const messages = await response.json();
  const texts = messages.map((/** @type {unknown} */ message) => JSON.stringify(message));
  return { texts, etag: response.headers.get("etag") };
}

/**
 * Return the code of our own refusal. A proxy on the way may answer 403 as well, and is not us.
 *
 * @param {Response} response
 * @returns {Promise<number>}
 */
async function codeOf(response) {
  try {
    const { v, type, code } = await response.json();
    return v === 1 && type === "error" && Number.isInteger(code) ? code : FAILED;
  } catch {
    return FAILED;
  }
}
