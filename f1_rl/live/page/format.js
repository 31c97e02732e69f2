// Numbers and elements, as all parts of the page write them.

const MISSING = "–";

/** Return a number with so many decimals, thousands separated; a dash where there is none. */
export function fixed(value, decimals = 0) {
  if (value === null || value === undefined) return MISSING;
  return value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Return a number with three figures that count. */
export function short(value) {
  if (value === null || value === undefined) return MISSING;
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toExponential(1);
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}

/** Return seconds as 0:07.42. */
export function lapTime(seconds) {
  if (seconds === null || seconds === undefined) return MISSING;
  const hundredths = Math.round(100 * seconds);
  const minutes = Math.floor(hundredths / 6000);
  return `${minutes}:${(hundredths / 100 - 60 * minutes).toFixed(2).padStart(5, "0")}`;
}

/** Return a new element with a class and a text. */
export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Write names and values into a <dl>, reusing what is there. */
export function writeFigures(list, figures) {
  while (list.children.length > figures.length) list.lastChild.remove();
  figures.forEach(([name, value, unit = ""], i) => {
    if (!list.children[i]) {
      const figure = element("div");
      figure.append(element("dt"), element("dd"));
      list.append(figure);
    }
    const [term, definition] = list.children[i].children;
    if (term.textContent !== name) term.textContent = name;
    const text = value === MISSING || !unit ? value : `${value} ${unit}`;
    if (definition.textContent !== text) definition.textContent = text;
  });
}

/** Return the colour of a role, as it is at the moment. */
export function colour(role) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${role}`).trim();
}

/** Return the context of a canvas that fills its parent, cleared, in CSS pixels. */
export function prepare(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas.parentElement;
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  return { context, width, height };
}

/** Have a function called whenever the element changes its size or the page its colours. */
export function onChange(container, draw) {
  new ResizeObserver(draw).observe(container);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
