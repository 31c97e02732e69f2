// Keyboard, gamepad and touch: what the hand at this page does, whatever it holds.

const DEAD_ZONE = 0.12; // Of a gamepad's stick, which never rests at zero.
const KEYS = {
  ArrowUp: "throttle", KeyW: "throttle",
  ArrowDown: "brake", KeyS: "brake", Space: "brake",
  ArrowLeft: "left", KeyA: "left",
  ArrowRight: "right", KeyD: "right",
};

const held = new Set();
const pads = new Map();
let device = null;

/**
 * Return what the hand does: {device, throttle, steer}; the device is the one used last.
 *
 * Throttle goes from -1 (brake) to 1, steer from -1 (right) to 1 (left).
 */
export function readHand() {
  const hands = { Keyboard: readKeys(), Gamepad: readGamepad(), Touch: readTouch() };
  for (const [name, { throttle, steer }] of Object.entries(hands)) {
    if (throttle !== 0 || steer !== 0) device = name;
  }
  return { device, ...(device ? hands[device] : { throttle: 0, steer: 0 }) };
}

/**
 * Listen to the keyboard.
 *
 * @param {Object<string, function()>} commands What to call when a key goes down, by its code.
 */
export function listenToKeys(commands) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || belongsTo(event.target, event.code)) return;
    if (event.code in KEYS) {
      held.add(event.code);
      event.preventDefault(); // The arrows and the space bar would scroll.
    } else if (event.code in commands && !event.repeat) {
      commands[event.code]();
    }
  });
  addEventListener("keyup", (event) => held.delete(event.code));
  // What is released elsewhere is not heard of here.
  addEventListener("blur", letGo);
  document.addEventListener("visibilitychange", letGo);
}

/** Make an element a pad: where it is touched, -1..1 from left to right and from bottom to top. */
export function listenToTouch(element, name) {
  const move = (event) => {
    const box = element.getBoundingClientRect();
    const place = (value, from, size) => Math.max(-1, Math.min(1, (2 * (value - from)) / size - 1));
    const touch = { x: place(event.clientX, box.left, box.width), y: -place(event.clientY, box.top, box.height) };
    pads.set(name, touch);
    element.style.setProperty("--x", touch.x);
    element.style.setProperty("--y", touch.y);
    element.dataset.touched = "";
  };
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    move(event);
  });
  element.addEventListener("pointermove", (event) => pads.has(name) && move(event));
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
    element.addEventListener(type, () => {
      pads.delete(name);
      delete element.dataset.touched;
    });
  }
}

function letGo() {
  held.clear();
}

/** Whether a key is for the control that has the focus: it scrolls a list, or presses a button. */
function belongsTo(target, code) {
  if (target.closest("select, input, textarea")) return true;
  return code === "Space" && Boolean(target.closest("button, a"));
}

function readKeys() {
  const pressed = new Set([...held].map((code) => KEYS[code]));
  const throttle = pressed.has("brake") ? -1 : Number(pressed.has("throttle"));
  return { throttle, steer: Number(pressed.has("left")) - Number(pressed.has("right")) };
}

function readGamepad() {
  const gamepad = [...(navigator.getGamepads?.() ?? [])].find((pad) => pad?.connected && pad.mapping === "standard");
  if (!gamepad) return { throttle: 0, steer: 0 };
  const brake = gamepad.buttons[6].value;
  return { throttle: brake > 0 ? -brake : gamepad.buttons[7].value, steer: -outside(gamepad.axes[0]) };
}

/** Return the position of a stick without its dead zone. */
function outside(value) {
  const size = Math.max(0, Math.abs(value) - DEAD_ZONE) / (1 - DEAD_ZONE);
  return Math.sign(value) * Math.min(1, size);
}

function readTouch() {
  return { throttle: pads.get("pedals")?.y ?? 0, steer: -(pads.get("wheel")?.x ?? 0) };
}
