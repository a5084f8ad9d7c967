// What the explorers share. Python joins this file, an explorer's own file and the
// style sheet into one module (see _base.py), so nothing here is imported or exported.

const SVG = "http://www.w3.org/2000/svg";
// Each explorer on a page is a module of its own, so a counter alone would repeat itself.
const SCOPE = Math.random().toString(36).slice(2, 10);
let named = 0;

// --- elements ---------------------------------------------------------------------------

function element(create, tag, attributes, children) {
  const node = create(tag);
  // JupyterLab's own shortcuts would take the arrow keys away from what has the focus.
  if (["input", "select", "button"].includes(tag) || attributes?.tabindex === 0) {
    node.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

const html = (tag, attributes, ...children) =>
  element((t) => document.createElement(t), tag, attributes, children);

const svg = (tag, attributes, ...children) =>
  element((t) => document.createElementNS(SVG, t), tag, attributes, children);

const uid = (name) => `convac-${name}-${SCOPE}-${++named}`;

// "r₁" as elements: an upright subscript reads better than a Unicode one at this size.
const symbol = (name, index) => html("span", { class: "symbol" }, name, index == null ? null : html("sub", {}, String(index)));

// --- controls ---------------------------------------------------------------------------

// A labelled slider. `set(value, text)` shows a value without telling anybody.
function slider({ label, name, min, max, step = 1, value, format = String, oninput }) {
  const id = uid("slider");
  const shown = html("span", { class: "value", "aria-hidden": "true" }); // the input says it itself
  const input = html("input", {
    type: "range", id, min, max, step, "aria-label": name,
    oninput: () => oninput(Number(input.value)),
  });
  const row = html("div", { class: "slider" }, html("label", { for: id }, label), input, shown);
  const set = (now, text = format(now)) => {
    if (Number(input.max) < now) input.max = now;
    input.value = now;
    shown.textContent = text;
    input.setAttribute("aria-valuetext", text);
    const span = (now - Number(input.min)) / (Number(input.max) - Number(input.min) || 1);
    input.style.setProperty("--filled", `${100 * span}%`);
  };
  set(value);
  return { row, input, set };
}

function choice({ label, options, value, onchange }) {
  const id = uid("choice");
  const select = html("select", { id, onchange: () => onchange(select.value) },
    options.map(([key, text]) => html("option", { value: key }, text)));
  select.value = value;
  return { row: html("div", { class: "choice" }, html("label", { for: id }, label), select), select };
}

const button = (text, onclick, attributes = {}) =>
  html("button", { type: "button", onclick, ...attributes }, text);

// A few buttons of which one is pressed.
function segments({ label, options, value, onchange }) {
  const buttons = options.map(([key, text]) => {
    const one = button(text, () => { set(key); onchange(key); });
    one.dataset.value = key;
    return one;
  });
  const set = (key) => buttons.forEach((b) => b.setAttribute("aria-pressed", b.dataset.value === String(key)));
  set(value);
  return { row: html("div", { class: "segments", role: "group", "aria-label": label }, buttons), set };
}

// Arrow keys move the focus inside a group that is one stop of the Tab key.
function roving(group, buttons, columns) {
  const focus = (index) => {
    buttons.forEach((b, i) => { b.tabIndex = i === index ? 0 : -1; });
    buttons[index].focus();
  };
  buttons.forEach((b, i) => { b.tabIndex = i === 0 ? 0 : -1; });
  group.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    if (at < 0) return;
    const last = buttons.length - 1;
    const to = {
      ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last,
      ArrowUp: at - columns(), ArrowDown: at + columns(),
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to >= 0 && to <= last) focus(to);
  });
}

// --- numbers as text --------------------------------------------------------------------

const superscript = (n) => [...String(n)].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("");
const subscript = (n) => [...String(n)].map((d) => "₀₁₂₃₄₅₆₇₈₉"[d]).join("");

// A whole number (Number or BigInt), thin spaces between thousands; past 15 digits its size.
function whole(n) {
  const digits = String(n);
  if (digits.length > 15) {
    const shown = (Number(digits.slice(0, 4)) / 1000).toFixed(2);
    return `${shown} × 10${superscript(digits.length - 1)}`;
  }
  return digits.replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

const plural = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;

// --- life of a view ---------------------------------------------------------------------

// Sets up the root, draws once after any burst of changes and when the width becomes known or
// changes, and says the result to a screen reader when the reader pauses.
function mount({ model, el }, name, draw) {
  for (const [sheet, style] of Object.entries(STYLES)) {
    const id = `convac-style-${sheet}`;
    if (!document.getElementById(id)) document.head.append(html("style", { id }, style));
  }
  const status = html("p", { class: "spoken", role: "status" });
  const root = html("section", { class: `convac convac-${name}` });
  el.append(root);
  let queued = false, width = 0, timer = 0, silent = true;
  const queue = () => {
    if (queued) return;
    queued = true;
    queueMicrotask(() => { queued = false; if (width) draw(width); });
  };
  // A page with many figures opens in silence, and a new width is no news.
  const redraw = () => { silent = false; queue(); };
  const say = (words) => {
    clearTimeout(timer);
    timer = setTimeout(() => { if (!silent) status.textContent = words; }, 400);
  };
  const observer = new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (!now || now === width) return;
    width = now;
    root.classList.toggle("narrow", width < 480);
    queue();
  });
  observer.observe(root);
  model.on("change", redraw);
  const stop = () => { observer.disconnect(); clearTimeout(timer); model.off("change", redraw); };
  return { root, status, redraw, say, stop };
}

// Atomic: several traits change together, the page redraws once, Python gets one message.
function update(model, values) {
  model.set(values);
  model.save_changes();
}
