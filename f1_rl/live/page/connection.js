// The connection to the server: messages both ways, and what to say when there is none.

const PATIENCE_MS = 12_000; // The server gives a sign of life every few seconds.
const RETRY_MS = 1_000;
const RETRY_ENDED_MS = 5_000; // Another run may be watched here later.

const handlers = new Map();
let socket = null;
let ended = null;
let heard = 0;

/**
 * Have a function called with every message of a type from the server.
 *
 * The types: "scene", "moment", "curve", "end", "refused" (a request that was not followed, with
 * the `reason`), and "connection" of this module's own: {state: "waiting" | "open" | "lost" |
 * "ended", text}.
 */
export function on(type, handler) {
  handlers.set(type, [...(handlers.get(type) ?? []), handler]);
}

/**
 * Send a request to the server, as a plain object with a `type`; without a connection it is dropped.
 *
 *   {type: "input", throttle: -1..1, steer: -1..1 (left positive), page: a name of this page}
 *   {type: "mode", value: one of scene.modes}      {type: "circuit", value: one of scene.circuits}
 *   {type: "restart"}    {type: "pause", value: true | false}    {type: "record", value: ...}
 *
 * @returns {boolean} Whether it was sent.
 */
export function send(message) {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(message));
  return true;
}

/** Connect, and again whenever the connection is lost. */
export function connect() {
  const address = new URL("ws", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  socket = new WebSocket(address);
  socket.onopen = () => {
    ended = null;
    tell("connection", { state: "open", text: "Connected" });
  };
  socket.onmessage = (event) => {
    heard = performance.now();
    const message = JSON.parse(event.data);
    if (message.type === "end") ended = message.status;
    tell(message.type, message);
  };
  socket.onclose = () => {
    const lost = "Connection lost: trying again …";
    tell("connection", ended === null ? { state: "lost", text: lost } : { state: "ended", text: "Ended" });
    setTimeout(connect, ended === null ? RETRY_MS : RETRY_ENDED_MS);
  };
  heard = performance.now();
}

setInterval(() => {
  if (performance.now() - heard > PATIENCE_MS) socket?.close();
}, RETRY_MS);

function tell(type, message) {
  for (const handler of handlers.get(type) ?? []) handler(message);
}
