// The circuit from above, with the car, its trail, ghosts and obstacles.

import { colour, onChange, prepare } from "./format.js";

const TRAIL = 600; // Places of the car that are kept.
const JUMP_M = 3; // Farther than this between two moments it was put elsewhere.
const MARGIN_PX = 18;

const canvas = document.querySelector("#map canvas");
let circuit = null;
let pose = null;
let ghosts = [];
let obstacles = [];
let trail = [];

/** Show another circuit, or none. */
export function setCircuit(shown) {
  circuit = shown;
  trail = [];
  pose = null;
  draw();
}

/** Show where the car, the ghosts and the obstacles are. */
export function setCars(car, others, inTheWay) {
  const last = trail.at(-1);
  if (!car || (last && Math.hypot(car.x_m - last[0], car.y_m - last[1]) > JUMP_M)) trail = [];
  if (car) trail.push([car.x_m, car.y_m]);
  if (trail.length > TRAIL) trail.shift();
  pose = car;
  ghosts = others;
  obstacles = inTheWay;
  draw();
}

/** Return the function from metres to pixels that fits the circuit into the box. */
function fit(width, height) {
  const points = [...circuit.left, ...circuit.right];
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const wide = width - 2 * MARGIN_PX;
  const high = height - 2 * MARGIN_PX;
  const upright = Math.min(wide / (x1 - x0), high / (y1 - y0));
  const turned = Math.min(wide / (y1 - y0), high / (x1 - x0));
  const scale = Math.max(upright, turned);
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  // A quarter turn to the left, where that shows the circuit larger.
  const turn = turned > 1.1 * upright;
  const place = (px, py) =>
    turn
      ? [width / 2 - (py - y) * scale, height / 2 - (px - x) * scale]
      : [width / 2 + (px - x) * scale, height / 2 - (py - y) * scale];
  return { place, scale, yaw: (rad) => -(rad + (turn ? Math.PI / 2 : 0)) };
}

function trace(context, points, place) {
  points.forEach(([x, y], i) => (i ? context.lineTo(...place(x, y)) : context.moveTo(...place(x, y))));
}

function stroke(context, points, place, role, width, dash = []) {
  context.beginPath();
  trace(context, points, place);
  context.strokeStyle = colour(role);
  context.lineWidth = width;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

function drawRoad(context, view) {
  context.beginPath();
  trace(context, circuit.left, view.place);
  context.closePath();
  trace(context, circuit.right, view.place);
  context.closePath();
  context.fillStyle = colour("road");
  context.fill("evenodd");
  stroke(context, circuit.left, view.place, "edge", 1.5);
  stroke(context, circuit.right, view.place, "edge", 1.5);
  stroke(context, circuit.centre_line, view.place, "edge", 1, [4, 4]);
  stroke(context, [circuit.left[0], circuit.right[0]], view.place, "mark", 3);
}

function drawTrail(context, view) {
  context.lineCap = "round";
  const parts = 12;
  for (let part = 0; part < parts; part++) {
    const from = Math.floor((trail.length * part) / parts);
    const to = Math.floor((trail.length * (part + 1)) / parts) + 1;
    context.globalAlpha = 0.15 + (0.85 * (part + 1)) / parts;
    stroke(context, trail.slice(from, to), view.place, "mark", 3);
  }
  context.globalAlpha = 1;
}

const CAR = [[11, 0], [-8, 7], [-4, 0], [-8, -7]];
const BOX = [[5, 5], [-5, 5], [-5, -5], [5, -5]];

/** Draw a car, or what else stands somewhere and points somewhere, in pixels about its middle. */
function drawCar(context, view, car, role, filled, shape = CAR) {
  context.save();
  context.translate(...view.place(car.x_m, car.y_m));
  context.rotate(view.yaw(car.yaw_rad));
  context.beginPath();
  for (const [x, y] of shape) context.lineTo(x, y);
  context.closePath();
  context.fillStyle = filled ? colour(role) : colour("card");
  context.strokeStyle = filled ? colour("mark") : colour(role);
  context.lineWidth = 2;
  context.fill();
  context.stroke();
  context.restore();
}

function drawName(context, view, ghost) {
  const [x, y] = view.place(ghost.x_m, ghost.y_m);
  context.font = "600 12px system-ui, sans-serif";
  context.lineWidth = 4;
  context.strokeStyle = colour("card");
  const room = canvas.parentElement.clientWidth - context.measureText(ghost.name).width - 4;
  const left = Math.min(x + 12, room);
  context.strokeText(ghost.name, left, y - 8);
  context.fillStyle = colour("second");
  context.fillText(ghost.name, left, y - 8);
}

function draw() {
  if (!circuit || !canvas.parentElement.clientHeight) return;
  const { context, width, height } = prepare(canvas);
  const view = fit(width, height);
  drawRoad(context, view);
  drawTrail(context, view);
  for (const obstacle of obstacles) {
    drawCar(context, view, obstacle, "warn", true, obstacle.kind === "box" ? BOX : CAR);
  }
  for (const ghost of ghosts) {
    drawCar(context, view, ghost, "second", false);
    drawName(context, view, ghost);
  }
  if (pose) drawCar(context, view, pose, "accent", true);
}

onChange(canvas.parentElement, draw);
