// The learning curves: figures over environment steps, or updates, with axes, and values under the pointer.

import { colour, element, fixed, lapTime, onChange, prepare, short } from "./format.js";

const PADDING = { left: 46, right: 12, top: 8, bottom: 22 };

const CHARTS = [
  { title: "Return", note: "recent episodes", table: "metrics", key: "episode_return", role: "accent" },
  { title: "Loss", note: "", table: "metrics", key: "loss", role: "second", logarithmic: true },
  { title: "Mean Q", note: "best action", table: "metrics", key: "mean_q", role: "third" },
  { title: "Full laps", note: "evaluated", table: "evaluations", key: "full_laps", role: "good", points: true, zero: true },
  { title: "Lap time", note: "evaluated", table: "evaluations", key: "lap_time_s", role: "warn", points: true, write: lapTime },
  { title: "Evaluation", note: "mean return", table: "evaluations", key: "evaluated_return", role: "good", points: true },
];

const section = document.querySelector("#curves");
const tables = { metrics: [], evaluations: [] };
let axis = "env_step";
let hovered = null; // Share of the width, the same in all charts.

/** Forget all rows: those of the server come anew. */
export function clearCurves() {
  for (const rows of Object.values(tables)) rows.length = 0;
  drawAll();
}

/** Draw over environment steps ("env_step"), or over updates where there are none ("update"). */
export function setAxis(column) {
  axis = column;
  drawAll();
}

/** Add rows of the server. */
export function addRows(rows) {
  for (const row of rows) tables[row.table]?.push(row);
  drawAll();
}

/** Return ticks at round numbers, about so many of them. */
function ticks(low, high, count) {
  const raw = (0.8 * (high - low)) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high + 1e-9 * step; i++) found.push(i * step || 0);
  return found;
}

class Chart {
  constructor(options) {
    this.options = options;
    this.card = element("figure", "card chart");
    const caption = element("figcaption");
    this.latest = element("output");
    const title = element("h3", "", options.title);
    caption.append(title, element("span", "note", options.note), this.latest);
    this.fill = element("div", "fill");
    this.canvas = element("canvas");
    this.canvas.setAttribute("role", "img");
    this.fill.append(this.canvas);
    this.card.append(caption, this.fill);
    section.append(this.card);
    this.canvas.addEventListener("pointermove", (event) => hover(event.offsetX / this.fill.clientWidth));
    this.canvas.addEventListener("pointerleave", () => hover(null));
    onChange(this.fill, () => this.draw());
  }

  write(value) {
    return this.options.write ? this.options.write(value) : short(value);
  }

  points() {
    const { table, key } = this.options;
    return tables[table]
      .filter((row) => row[key] !== null && row[key] !== undefined)
      .map((row) => [row[axis], row[key]]);
  }

  draw() {
    const points = this.points();
    // Of a table that others fill there is nothing to come: an evaluation either drives or plays.
    this.card.hidden = !points.length && this.options.table === "evaluations";
    this.latest.textContent = points.length ? this.write(points.at(-1)[1]) : "";
    const said = points.length
      ? `latest ${this.write(points.at(-1)[1])} at ${fixed(points.at(-1)[0])}`
      : "nothing yet";
    this.canvas.setAttribute("aria-label", `${this.options.title}: ${said}`);
    if (this.card.hidden || !this.fill.clientHeight) return;
    const paper = prepare(this.canvas);
    const scale = this.scale(points, paper);
    this.drawAxes(paper, scale);
    if (!points.length) return;
    this.drawLine(paper.context, points, scale);
    if (hovered !== null) this.drawHover(paper, points, scale);
  }

  scale(points, { width, height }) {
    const values = points.map((point) => point[1]);
    const log = Boolean(this.options.logarithmic) && values.length > 0 && Math.min(...values) > 0;
    const map = log ? Math.log10 : (value) => value;
    let low = values.length ? map(Math.min(...values)) : 0;
    let high = values.length ? map(Math.max(...values)) : 1;
    if (this.options.zero) low = Math.min(low, 0);
    if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
    else [low, high] = [low - (this.options.zero ? 0 : 0.06 * (high - low)), high + 0.06 * (high - low)];
    // Tables share their steps, so that a column of the page is one moment of the run.
    const steps = Object.values(tables).flatMap((rows) => (rows.length ? [rows.at(-1)[axis]] : []));
    const last = Math.max(1, ...steps);
    const [x0, x1] = [PADDING.left, width - PADDING.right];
    const [y0, y1] = [height - PADDING.bottom, PADDING.top];
    return {
      log, low, high, last, x0, x1, y0, y1,
      x: (step) => x0 + (step / last) * (x1 - x0),
      y: (value) => y0 + ((map(value) - low) / (high - low)) * (y1 - y0),
    };
  }

  drawAxes({ context }, scale) {
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = colour("muted");
    context.strokeStyle = colour("grid");
    context.lineWidth = 1;
    const marks = ticks(scale.low, scale.high, 4).filter((mark) => !scale.log || Number.isInteger(mark));
    const values = scale.log ? (marks.length ? marks : [scale.low, scale.high]).map((mark) => 10 ** mark) : marks;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of values) {
      const y = Math.round(scale.y(value)) + 0.5;
      context.beginPath();
      context.moveTo(scale.x0, y);
      context.lineTo(scale.x1, y);
      context.stroke();
      context.fillText(this.options.write ? fixed(value, value % 1 ? 1 : 0) : short(value), scale.x0 - 6, y);
    }
    context.textBaseline = "top";
    context.textAlign = "right";
    const unit = axis === "update" ? "updates" : "steps";
    context.fillText(unit, scale.x1 + PADDING.right - 2, scale.y0 + 6);
    const end = scale.x1 - context.measureText(unit).width;
    context.textAlign = "center";
    for (const step of ticks(0, scale.last, 3)) {
      const text = step >= 1e6 ? `${short(step / 1e6)}M` : step >= 1e4 ? `${short(step / 1e3)}k` : fixed(step);
      if (scale.x(step) + context.measureText(text).width / 2 < end) context.fillText(text, scale.x(step), scale.y0 + 6);
    }
  }

  drawLine(context, points, scale) {
    context.strokeStyle = context.fillStyle = colour(this.options.role);
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.beginPath();
    points.forEach(([step, value], i) =>
      i ? context.lineTo(scale.x(step), scale.y(value)) : context.moveTo(scale.x(step), scale.y(value)),
    );
    context.stroke();
    if (this.options.points || points.length === 1) {
      for (const [step, value] of points) this.drawPoint(context, scale.x(step), scale.y(value), 2.5);
    }
  }

  drawPoint(context, x, y, radius) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }

  drawHover({ context, width }, points, scale) {
    const wanted = ((hovered * width - scale.x0) / (scale.x1 - scale.x0)) * scale.last;
    const [step, value] = points.reduce((nearest, point) =>
      Math.abs(point[0] - wanted) < Math.abs(nearest[0] - wanted) ? point : nearest,
    );
    const [x, y] = [scale.x(step), scale.y(value)];
    context.strokeStyle = colour("muted");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(Math.round(x) + 0.5, scale.y1);
    context.lineTo(Math.round(x) + 0.5, scale.y0);
    context.stroke();
    context.fillStyle = colour(this.options.role);
    this.drawPoint(context, x, y, 4);
    this.latest.textContent = `${this.write(value)} at ${fixed(step)}`;
  }
}

const charts = CHARTS.map((options) => new Chart(options));

function hover(share) {
  hovered = share;
  drawAll();
}

function drawAll() {
  for (const chart of charts) chart.draw();
}
