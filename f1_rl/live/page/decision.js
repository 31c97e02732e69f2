// What the network thinks of its actions, and which was taken.

import { element, fixed, short } from "./format.js";

const RELAX = 0.02; // How fast the scale forgets a value that no action has any more.

const list = document.querySelector("#actions");
const note = document.querySelector("#decision .note");
let names = [];
let low = 0;
let high = 0;

/** Show other actions. */
export function setActions(shown) {
  names = shown;
  low = Infinity;
  high = -Infinity;
  list.replaceChildren();
}

/** Show the value of each action and mark the chosen one. */
export function setDecision(values, chosen) {
  rescale(values);
  const best = values.indexOf(Math.max(...values.filter((value) => value !== null)));
  values.forEach((value, i) => writeRow(row(i), value, i === chosen));
  note.textContent = describe(chosen, best);
}

function describe(chosen, best) {
  if (chosen === null || best < 0) return "";
  return chosen === best ? "takes the best" : "tries another than the best";
}

function rescale(values) {
  const known = values.filter((value) => value !== null);
  if (!known.length) return;
  const [least, most] = [Math.min(...known), Math.max(...known)];
  if (low > high) [low, high] = [least, most];
  low = Math.min(least, low + RELAX * (least - low));
  high = Math.max(most, high + RELAX * (most - high));
}

function row(i) {
  while (list.children.length <= i) {
    const made = element("li");
    const track = element("div", "track");
    track.append(element("div", "bar"));
    const name = names[list.children.length] ?? `action ${list.children.length}`;
    made.append(element("span", "name", name), track, element("output"));
    list.append(made);
  }
  return list.children[i];
}

function writeRow(shown, value, isChosen) {
  const [, track, output] = shown.children;
  // The smallest value keeps a stub of a bar, so that it is seen to be one.
  const share = value === null ? 0 : 0.04 + (0.96 * (value - low)) / Math.max(high - low, 1e-9);
  track.firstChild.style.width = `${(100 * share).toFixed(1)}%`;
  output.textContent = Math.abs(value) < 100 ? fixed(value, 2) : short(value);
  shown.classList.toggle("chosen", isChosen);
  if (isChosen) shown.setAttribute("aria-current", "true");
  else shown.removeAttribute("aria-current");
}
