// The live page: what comes from the server is written into the document.
//
// Controls belong into <section id="controls">, in a module of their own that imports `on` and
// `send` from connection.js; the section is hidden until it has something to offer.

import { connect, on, send } from "./connection.js";
import { addRows, clearCurves, setAxis } from "./curves.js";
import { setActions, setDecision } from "./decision.js";
import { fixed, lapTime, short, writeFigures } from "./format.js";
import { setCars, setCircuit } from "./map.js";

const find = (selector) => document.querySelector(selector);
let scene = null;
let newest = null;
let unseen = 0;
let speedScale = 1;

on("connection", ({ state, text }) => {
  const line = find("#connection");
  line.dataset.state = document.body.dataset.state = state;
  line.textContent = text;
  // The server sends all rows to whoever connects.
  if (state !== "open") return;
  clearCurves();
  unseen = 0;
});

on("scene", (message) => {
  scene = message;
  document.body.dataset.kind = scene.kind;
  document.title = `${scene.title} · f1_rl live`;
  find("#title").textContent = scene.title;
  find("#curves").hidden = scene.kind !== "train";
  find("#map").hidden = !scene.circuit;
  find("#map .note").textContent = scene.circuit
    ? `${scene.circuit.name}, ${fixed(scene.circuit.length_m)} m`
    : "";
  speedScale = scene.max_speed_mps ?? 1;
  setAxis(scene.kind === "train" && scene.env_steps === null ? "update" : "env_step");
  setCircuit(scene.circuit);
  setActions(scene.action_names);
});

on("curve", ({ rows }) => addRows(rows));

on("moment", (moment) => {
  if (newest === null) requestAnimationFrame(show);
  newest = moment;
  unseen += 1;
});

on("end", ({ status }) => writeStatus(status));
on("refused", ({ reason }) => writeStatus(reason));

function show() {
  const moment = newest;
  newest = null;
  showPicture("#camera", moment.camera);
  showPicture("#observation", moment.observation);
  showDrive(moment);
  showDecision(moment);
  showTraining(moment.training);
  document.body.classList.toggle("no-car", !moment.camera && !scene?.circuit);
  setCars(moment.pose, moment.ghosts, moment.obstacles);
  writeStatus(moment.status);
  // Not before: the server sends no more than a page shows, and none to a hidden one.
  for (; unseen > 0; unseen--) send({ type: "seen" });
}

function writeStatus(text) {
  const line = find("#status");
  if (line.textContent !== text) line.textContent = text;
}

function showPicture(selector, source) {
  const card = find(selector);
  card.hidden = !source;
  if (source) card.querySelector("img").src = source;
}

function showDrive(moment) {
  const { speed_mps: speed, command } = moment;
  find("#drive").hidden = speed === null && command === null;
  if (find("#drive").hidden) return;
  speedScale = Math.max(speedScale, speed ?? 0, command?.speed_mps ?? 0);
  writeGauge("#speed", speed ?? 0, speedScale, `${fixed(speed, 1)} m/s`);
  find("#speed .tick").hidden = !command;
  if (command) find("#speed .tick").style.left = `${(100 * command.speed_mps) / speedScale}%`;
  find("#turn").hidden = !command;
  if (command) writeTurn(command.yaw_rate_radps);
  find("#laps").hidden = moment.lap === null;
  writeFigures(find("#laps"), [
    ["Lap", fixed(moment.lap)],
    ["Lap time", lapTime(moment.lap_time_s)],
    ["Last lap", lapTime(moment.last_lap_s)],
    ["Best lap", lapTime(moment.best_lap_s)],
    ["Off centre", fixed(moment.lateral_error_m, 2), "m"],
    ["Along", fixed(moment.arc_length_m), "m"],
  ]);
}

function writeGauge(selector, value, scale, text) {
  find(`${selector} .bar`).style.width = `${Math.min(100, (100 * value) / scale)}%`;
  find(`${selector} output`).textContent = text;
}

function writeTurn(rate) {
  const largest = scene?.max_yaw_rate_radps ?? Math.max(1, Math.abs(rate));
  const share = Math.max(-1, Math.min(1, rate / largest));
  const bar = find("#turn .bar");
  bar.style.width = `${50 * Math.abs(share)}%`;
  // Left turns are positive, and drawn to the left.
  bar.style.left = `${share > 0 ? 50 - 50 * share : 50}%`;
  const side = rate > 0 ? "left" : "right";
  find("#turn output").textContent = rate === 0 ? "straight" : `${side} ${fixed(Math.abs(rate), 1)}`;
}

function showDecision({ q_values: values, action }) {
  find("#decision").hidden = !values;
  if (values) setDecision(values, action);
}

function showTraining(training) {
  find("#training").hidden = !training;
  if (!training) return;
  const all = scene?.env_steps;
  writeFigures(find("#training"), [
    ["Environment steps", all ? `${fixed(training.env_step)} of ${fixed(all)}` : fixed(training.env_step)],
    ["Updates", fixed(training.update)],
    ["Steps a second", fixed(training.steps_per_s)],
    ["Random actions", `${fixed(100 * training.epsilon)} %`],
    ["Return", short(training.episode_return)],
    ["Loss", short(training.loss)],
    ["Mean Q", short(training.mean_q)],
  ]);
  const share = all ? Math.min(1, training.env_step / all) : 0;
  find("#training").style.setProperty("--done", `${(100 * share).toFixed(2)}%`);
}

connect();
