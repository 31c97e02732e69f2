// The controls of a drive: who drives and where, restart, pause, record, and the wheel.

import { on, send } from "./connection.js";
import { listenToKeys, listenToTouch, readHand } from "./devices.js";
import { element, fixed } from "./format.js";

const PERIOD_MS = 50; // Of what the hand does; the car brakes where it hears nothing for 0.5 s.
const REFUSAL_MS = 6_000;
const MODES = { policy: "Policy drives", manual: "You drive", race: "Race the policy" };

const panel = document.querySelector("#controls");
// By which the server tells pages apart that reach for the same wheel.
const page = Math.random().toString(36).slice(2, 10);

const modes = element("div", "group");
const circuits = element("select");
const restart = button("Restart", "R", () => send({ type: "restart" }));
const pause = button("Pause", "P", () => send({ type: "pause", value: !moment?.paused }));
const record = button("Record", "", () => send({ type: "record", value: !moment?.recording }));
const recorded = element("p", "recorded");
const gaps = element("ul", "gaps");
const hand = element("p", "hand");
const refusal = element("p", "refusal");
const wheel = pad("wheel", "Steer", "slide left or right to steer");
const pedals = pad("pedals", "Throttle", "slide up for throttle, down to brake");
let moment = null;
let steers = false; // Whether this page has steered since it was opened.

build();
on("scene", showScene);
on("moment", showMoment);
on("refused", showRefusal);
on("connection", ({ state }) => panel.toggleAttribute("inert", state !== "open"));
setInterval(steer, PERIOD_MS);

function build() {
  modes.setAttribute("role", "group");
  modes.setAttribute("aria-label", "Who drives");
  circuits.setAttribute("aria-label", "Circuit");
  circuits.addEventListener("change", () => {
    send({ type: "circuit", value: circuits.value });
    circuits.blur(); // The arrows are for the car again.
  });
  hand.setAttribute("role", "status");
  refusal.setAttribute("role", "alert");
  record.className = "record";
  const buttons = element("div", "group");
  buttons.append(restart, pause, record);
  const touch = element("div", "pads");
  touch.append(wheel, pedals);
  const keys = element("p", "note keys", "↑ ↓ ← → or W S A D drive, space brakes, R restarts, P pauses");
  panel.append(modes, circuits, buttons, recorded, gaps, hand, keys, refusal, touch);
  panel.classList.add("card");
  listenToKeys({ KeyR: () => restart.click(), KeyP: () => pause.click() });
}

function button(text, key, act) {
  const made = element("button", "", text);
  made.type = "button";
  if (key) made.setAttribute("aria-keyshortcuts", key);
  made.addEventListener("click", (event) => {
    act();
    // Pressed with the mouse it lets go, so that the space bar brakes; the keyboard's focus stays.
    if (event.detail > 0) made.blur();
  });
  return made;
}

function pad(name, label, help) {
  const made = element("div", "pad", label);
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", `${label}: ${help}`);
  made.dataset.pad = name;
  made.append(element("span", "thumb"));
  listenToTouch(made, name);
  return made;
}

function showScene(scene) {
  panel.hidden = !scene.modes.length;
  modes.hidden = scene.modes.length < 2;
  modes.replaceChildren(
    ...scene.modes.map((mode) => {
      const made = button(MODES[mode] ?? mode, "", () => send({ type: "mode", value: mode }));
      made.dataset.mode = mode;
      return made;
    }),
  );
  circuits.replaceChildren(...scene.circuits.map((name) => new Option(name)));
  // Of a circuit from a file, the path is asked for and the name is told.
  const isShown = (name) => name === scene.circuit?.name || name.endsWith(`/${scene.circuit?.name}.csv`);
  circuits.value = scene.circuits.find(isShown) ?? "";
}

function showMoment(shown) {
  moment = shown;
  panel.dataset.mode = moment.mode;
  for (const choice of modes.children) press(choice, choice.dataset.mode === moment.mode);
  press(pause, moment.paused);
  press(record, Boolean(moment.recording));
  write(record, moment.recording ? "Stop recording" : "Record");
  recorded.hidden = !moment.recording;
  if (moment.recording) {
    const { bag, duration_s: seconds, size_bytes: bytes } = moment.recording;
    write(recorded, `${fixed(seconds, 1)} s, ${fixed(bytes / 1e6, 1)} MB in ${bag}`);
  }
  showGaps(moment.ghosts);
  hand.hidden = moment.mode === "policy";
  write(hand, describeHand());
}

function showGaps(ghosts) {
  while (gaps.children.length > ghosts.length) gaps.lastChild.remove();
  ghosts.forEach(({ name, gap_s: gap }, i) => {
    if (!gaps.children[i]) gaps.append(element("li"));
    const apart = fixed(Math.abs(gap), 1);
    const side = gap > 0 ? "behind" : "ahead of";
    const text = apart === "0.0" ? `Level with ${name}` : `${apart} s ${side} ${name}`;
    write(gaps.children[i], gap === null ? name : text);
    gaps.children[i].classList.toggle("ahead", gap !== null && gap <= 0);
  });
  gaps.hidden = !ghosts.length;
}

function describeHand() {
  const { device } = readHand();
  if (moment.steered_by === page && device) return `${device} steers`;
  if (moment.steered_by !== null && moment.steered_by !== page) {
    return "Another page steers; press a key to take the wheel";
  }
  return "Nobody steers yet";
}

function showRefusal({ reason }) {
  write(refusal, reason);
  setTimeout(() => write(refusal, ""), REFUSAL_MS);
}

/** Say what the hand does, from the first time that it does something. */
function steer() {
  if (!moment || moment.mode === "policy" || document.hidden) return;
  const { throttle, steer: turn } = readHand();
  steers ||= throttle !== 0 || turn !== 0;
  if (steers) send({ type: "input", throttle, steer: turn, page });
}

function press(choice, pressed) {
  choice.setAttribute("aria-pressed", String(pressed));
}

function write(line, text) {
  if (line.textContent !== text) line.textContent = text;
}
