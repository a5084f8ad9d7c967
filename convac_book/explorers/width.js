// The width explorer: one parameter budget, spent on the layers as the reader likes, and the
// entanglement that it buys at every scale.

// --- budgets ----------------------------------------------------------------------------

function parameters(channels, { n_sites, window, local_dim, n_outputs, share }) {
  let below = local_dim, total = 0;
  channels.forEach((width, layer) => {
    const copies = { all: 1, "window-position": window, none: n_sites / window ** layer }[share];
    total += copies * width * below;
    below = width;
  });
  return total + n_outputs * below;
}

const scaled = (profile, factor) => profile.map((part) => Math.max(1, Math.floor(factor * part)));

// The largest common factor that keeps within the budget; as `fit_channels` in width.py, step
// by step, so that both give the same whole numbers.
function fitFactor(cost, budget) {
  let low = 0, high = budget;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (cost(middle) <= budget) low = middle;
    else high = middle;
  }
  return low;
}

const fitChannels = (profile, network, budget) =>
  scaled(profile, fitFactor((factor) => parameters(scaled(profile, factor), network), budget));

// The paper's shapes, 4 4 2 2 1 1 and its reverse, and between them by powers of two.
function tilted(depth, tilt) {
  return Array.from({ length: depth }, (_, layer) => {
    const rise = Math.floor((3 * layer) / depth);
    return 2 ** (((1 - tilt) * (2 - rise) + (1 + tilt) * rise) / 2);
  });
}

// One layer gets `width`, as far as the budget allows; the others share what is left.
function refit(profile, layer, width, network, budget) {
  const others = (factor, fixed) => scaled(profile, factor).map((w, l) => (l === layer ? fixed : w));
  let most = 1;
  for (let high = width; most < high;) {
    const middle = Math.ceil((most + high) / 2);
    if (parameters(others(0, middle), network) <= budget) most = middle;
    else high = middle - 1;
  }
  const factor = fitFactor((f) => parameters(others(f, most), network), budget);
  return { channels: others(factor, most), profile: profile.map((part, l) => (l === layer ? most : factor * part)) };
}

// --- the cut of a chess board -------------------------------------------------------------

// log2 of the minimal cut for blocks of 2^k sites (window 2) or 2^k x 2^k pixels (window 4),
// k = 0..L-1. Below layer k branches are pure: parting one from the rest costs `pure`. The
// windows of layer k hold half A and half B; everything above repeats them.
function logCuts(channels, { n_sites, window, local_dim }) {
  let pure = Math.log2(local_dim);
  return channels.map((width, layer) => {
    const perWindow = Math.min(Math.log2(width), (window / 2) * pure);
    pure = Math.min(window * pure, Math.log2(width));
    return { perWindow, total: perWindow * (n_sites / window ** (layer + 1)) };
  });
}

// --- pictures ---------------------------------------------------------------------------

const NETWORK = ["n_sites", "window", "local_dim", "n_outputs", "share"];
const rounded = (x) => String(Number(x.toPrecision(3)));

// A scale from 1 to the widest any layer can be, logarithmic.
function widthScale(widest, bottom, top) {
  const span = Math.log(widest);
  return {
    y: (width) => bottom - (bottom - top) * Math.log(width) / span,
    width: (y) => Math.exp(span * (bottom - y) / (bottom - top)),
  };
}

// Layer k is what binds blocks of 2^k: its column stands over its point of the curve.
function columnPlaces(depth, width) {
  const small = width < 480, left = 40, right = width - (small ? 0 : 90);
  const step = (right - left) / depth;
  return { left, right, small, step, x: (k) => left + (k + 0.5) * step };
}

// The partition in small; a sketch: the finer, the more squares, but never too fine to see.
function patternGlyph(k, depth, x, y, window) {
  const size = 28, shown = 2 * (depth - k);
  const unit = size / shown, marks = [];
  for (let row = 0; row < (window === 4 ? shown : 1); row++) {
    for (let column = 0; column < shown; column++) {
      marks.push(svg("rect", { x: x - size / 2 + column * unit, y: y + row * unit, width: unit,
        height: window === 4 ? unit : 9, class: (row + column) % 2 ? "fill-b" : "fill-a" }));
    }
  }
  return marks;
}

function drawCurves(curves, network, mode, width) {
  const depth = curves[0].values.length;
  const { left, right, small, x } = columnPlaces(depth, width);
  const box = { left, right, top: 14, bottom: 206 };
  const numbers = curves.flatMap(({ values }) => values.map((value) => value[mode]));
  const log = mode === "total";
  const low = log ? Math.log(Math.max(0.5, Math.min(...numbers))) : 0;
  const high = log ? Math.log(Math.max(...numbers, 2)) : Math.max(...numbers, 1);
  const y = (value) => box.bottom - (box.bottom - box.top) * ((log ? Math.log(Math.max(value, 0.5)) : value) - low) / (high - low || 1);
  const ticks = log ? [1, 10, 100, 1000, 10000, 100000].filter((v) => Math.log(v) >= low && Math.log(v) <= high)
    : Array.from({ length: Math.floor(high) + 1 }, (_, v) => v).filter((v) => v % (high > 10 ? 2 : 1) === 0);
  const ends = spread(curves.map(({ values }) => y(values.at(-1)[mode])), 17);
  return svg("svg", { width, height: 268, role: "img", class: "curves",
    "aria-label": `Minimal cut in bits against block length: ${curves.map(({ name, values }) =>
      `${name} ${values.map((value) => rounded(value[mode])).join(", ")}`).join("; ")}` },
  ticks.map((v) => [svg("line", { x1: box.left, x2: box.right, y1: y(v), y2: y(v), class: "grid" }),
    svg("text", { x: box.left - 6, y: y(v) + 4, "text-anchor": "end" }, whole(v))]).flat(),
  Array.from({ length: depth }, (_, k) => [
    svg("text", { x: x(k), y: box.bottom + 20, "text-anchor": "middle" }, String(2 ** k)),
    ...patternGlyph(k, depth, x(k), box.bottom + 28, network.window)]).flat(),
  curves.map(({ kind, values }) => [
    svg("path", { class: `curve ${kind}`, d: values.map((value, k) => `${k ? "L" : "M"}${x(k).toFixed(1)},${y(value[mode]).toFixed(1)}`).join("") }),
    ...values.map((value, k) => marker(kind, x(k), y(value[mode])))]).flat(),
  small ? null : curves.map(({ name, kind }, i) => svg("text", { x: box.right - 4, y: ends[i] + 4, class: kind }, name)));
}

// --- the explorer -----------------------------------------------------------------------

function render(context) {
  const { model } = context;
  const life = mount(context, "width", draw, { how: HOW, state: STATE });
  const readNetwork = () => Object.fromEntries(NETWORK.map((name) => [name, model.get(name)]));
  const channels = () => [...model.get("channels")];
  let profile = channels(), drawn = String(profile);

  const spend = (next, wanted) => {
    profile = wanted;
    drawn = String(next);
    update(model, { channels: next });
  };
  const least = parameters(channels().map(() => 1), readNetwork());
  const budgets = {
    low: Math.log(Math.max(200, least)), high: Math.log(Math.max(200000, 4 * least, model.get("budget"))),
  };
  const budget = slider({
    label: "budget", name: "parameter budget", min: 0, max: 1000, value: 0, format: () => whole(model.get("budget")),
    oninput: (place) => {
      const exact = Math.exp(budgets.low + (budgets.high - budgets.low) * place / 1000);
      const size = Math.max(least, Number(exact.toPrecision(2)));
      const next = fitChannels(profile, readNetwork(), size);
      drawn = String(next);
      update(model, { budget: size, channels: next });
    },
  });
  const tilt = slider({
    label: "wide base", name: "profile from wide-base to wide-tip", min: -1, max: 1, step: 0.1, value: 0,
    format: () => "wide tip", oninput: (t) => {
      const wanted = tilted(profile.length, t);
      spend(fitChannels(wanted, readNetwork(), model.get("budget")), wanted);
    },
  });
  tilt.row.classList.add("tilt");
  const modes = segments({
    label: "What is counted", value: model.get("mode"), options: MODES,
    onchange: (key) => update(model, { mode: key }),
  });
  const bars = svg("svg", { class: "bars", role: "group", "aria-label": "Channels of each layer" });
  const handles = channels().map((_, layer) => handle(layer));
  const backdrop = svg("g"), columns = svg("g");
  bars.append(backdrop, columns, ...handles.map((one) => one.group));
  const chart = html("div");
  const spent = html("p", { class: "quiet spent" });
  const words = html("p", { class: "words" });
  const axis = html("p", { class: "quiet" });
  const legend = legendOf([
    [marker("own", 9, 7), "yours, with handles"], [marker("base", 9, 7), "wide-base and"],
    [marker("tip", 9, 7), "wide-tip, with the same budget; dashed above"],
  ]);
  life.root.append(html("div", { class: "bar" }, budget.row, tilt.row), bars, spent,
    html("div", { class: "bar chart-bar" }, axis, modes.row), legend, chart, words, life.status);
  let scale = widthScale(64, 180, 10);

  // A column's top: dragged, or moved by the arrow keys, as a slider is.
  function handle(layer) {
    const group = svg("g", { class: "handle", tabindex: 0, role: "slider", "aria-orientation": "vertical",
      "aria-label": `channels of layer ${layer}`, "aria-valuemin": 1 });
    const grip = svg("rect", { class: "grip", rx: 3 });
    const hit = svg("rect", { class: "hit" });
    group.append(hit, grip);
    const move = (width) => {
      const now = Math.max(1, Math.round(width));
      const fit = refit(profile, layer, now, readNetwork(), model.get("budget"));
      spend(fit.channels, fit.profile);
    };
    group.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      group.focus();
      group.setPointerCapture(event.pointerId);
      drag(event);
    });
    const drag = (event) => move(scale.width(event.clientY - bars.getBoundingClientRect().top));
    group.addEventListener("pointermove", (event) => { if (group.hasPointerCapture(event.pointerId)) drag(event); });
    group.addEventListener("keydown", (event) => {
      const now = model.get("channels")[layer];
      const to = {
        ArrowUp: now + 1, ArrowRight: now + 1, ArrowDown: now - 1, ArrowLeft: now - 1,
        PageUp: 2 * now, PageDown: now / 2, Home: 1, End: 10 ** 6,
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      move(Math.min(to, model.get("budget")));
    });
    return { group, grip, hit };
  }

  function draw(width) {
    const network = readNetwork(), size = model.get("budget"), now = channels(), mode = model.get("mode");
    modes.set(mode);
    if (String(now) !== drawn) { profile = now; drawn = String(now); }
    const ghosts = { base: tilted(now.length, -1), tip: tilted(now.length, 1) };
    for (const kind of ["base", "tip"]) ghosts[kind] = fitChannels(ghosts[kind], network, size);
    budget.set(Math.round(1000 * (Math.log(size) - budgets.low) / (budgets.high - budgets.low)));
    const lean = Math.max(-1, Math.min(1, Math.log2(now.at(-1) / now[0]) / 2));
    tilt.set(lean);
    tilt.input.setAttribute("aria-valuetext", leanWords(lean));
    drawBars(now, ghosts, size, network, width);
    spent.textContent = `${whole(parameters(now, network))} of ${whole(size)} parameters spent`;
    axis.replaceChildren(term("bits", "log₂ of the minimal cut: the most bits of correlation that these widths let through."),
      mode === "total" ? " of the whole input, for " : " for each window, for ",
      term(network.window === 4 ? "squares of ξ × ξ pixels" : "blocks of ξ sites",
        "The partition alternates between A and B like a chess board whose fields have this size, drawn in small below."));
    const curves = curvesOf({ ...network, budget: size, channels: now });
    chart.replaceChildren(drawCurves(curves, network, mode, width));
    words.textContent = compare(curves);
    life.say(`Channels ${now.join(", ")}. ${words.textContent}`);
  }

  function drawBars(now, ghosts, size, network, width) {
    const widest = Math.max(...now.map((_, layer) => refit(now.map(() => 1e-9), layer, Math.ceil(Math.sqrt(size) * 3), network, size).channels[layer]));
    scale = widthScale(Math.max(8, widest), 150, 20);
    bars.setAttribute("width", width);
    bars.setAttribute("height", 176);
    const { x, step } = columnPlaces(now.length, width), wide = Math.min(48, step - 10);
    const left = (layer) => x(layer) - wide / 2;
    const outline = (kind) => ghosts[kind].map((w, layer) =>
      svg("line", { x1: left(layer) - 5, x2: left(layer) + wide + 5, y1: scale.y(w), y2: scale.y(w), class: `ghost ${kind}` }));
    columns.replaceChildren(...outline("base"), ...outline("tip"));
    backdrop.replaceChildren(...now.flatMap((w, layer) => [
      svg("rect", { x: left(layer), width: wide, y: scale.y(w), height: 150 - scale.y(w), class: "column" }),
      svg("text", { x: left(layer) + wide / 2, y: 170, "text-anchor": "middle", class: "level" }, bondName(layer)),
    ]));
    handles.forEach(({ group, grip, hit }, layer) => {
      const y = scale.y(now[layer]);
      for (const [node, box] of [[grip, [left(layer), y - 3, wide, 6]], [hit, [left(layer) - 4, 0, wide + 8, 154]]]) {
        ["x", "y", "width", "height"].forEach((name, i) => node.setAttribute(name, box[i]));
      }
      group.querySelector("text")?.remove();
      group.append(svg("text", { x: left(layer) + wide / 2, y: y - 9, "text-anchor": "middle", class: "strong halo" }, whole(now[layer])));
      group.setAttribute("aria-valuenow", now[layer]);
      group.setAttribute("aria-valuemax", widest);
      group.setAttribute("aria-valuetext", `${now[layer]} channels`);
    });
  }

  return life.stop;
}

const bondName = (layer) => `r${subscript(layer)}`;

const HOW = "Drag the top of a column to give a layer more or fewer channels: the other layers pay for it, within one budget. Below you see what these widths let through, for fine patterns on the left and coarse ones on the right.";
const STATE = ["budget", "channels", "mode"];
const MODES = [["perWindow", "per window"], ["total", "whole input"]];

function accepts(state) {
  const { budget, channels, mode, n_sites, window } = state;
  return isWhole(budget, 1, 10 ** 7) && channels.every((width) => isWhole(width, 1, 10 ** 6)) &&
    window ** channels.length === n_sites && parameters(channels, state) <= budget &&
    MODES.some(([key]) => key === mode);
}

function leanWords(lean) {
  if (Math.abs(lean) < 0.05) return "as many channels at the top as at the base";
  return `${Math.round(100 * Math.abs(lean))} % of the way to ${lean < 0 ? "wide-base" : "wide-tip"}`;
}

// Equal is said only of what is equal, and nothing is divided by none.
function shareWords(mine, other, name) {
  if (Math.abs(mine - other) < 1e-9) return `as many bits as ${name}`;
  if (other < 1e-9) return `${rounded(mine)} bits in all, where ${name} holds none`;
  if (mine < 1e-9) return `no bits, where ${name} holds ${rounded(other)} in all`;
  const share = 100 * mine / other;
  const shown = Math.round(share) === 100 ? share.toPrecision(4) : share < 1 ? "less than 1" : whole(Math.round(share));
  return Number(shown) === 100 ? `just ${share < 100 ? "under" : "over"} 100 % of the bits of ${name}` : `${shown} % of the bits of ${name}`;
}

function compare(curves) {
  const [base, tip, own] = curves.map(({ values }) => values);
  const at = (k) => {
    const [mine, first, second] = [own, base, tip].map((values) => values[k].total);
    if (Math.max(mine, first, second) < 1e-9) return "no design of this budget holds anything: each has a layer of one channel";
    return `yours holds ${shareWords(mine, first, "wide-base")} and ${shareWords(mine, second, "wide-tip")}`;
  };
  const last = own.length - 1;
  return `Fine patterns, ξ = 1: ${at(0)}.` + (last ? ` Coarse ones, ξ = ${2 ** last}: ${at(last)}.` : "");
}

// The three curves and the sentence about them, from the traits alone.
function curvesOf(state) {
  const ghost = (tilt) => fitChannels(tilted(state.channels.length, tilt), state, state.budget);
  return [
    { kind: "base", name: "wide-base", values: logCuts(ghost(-1), state) },
    { kind: "tip", name: "wide-tip", values: logCuts(ghost(1), state) },
    { kind: "own", name: "yours", values: logCuts(state.channels, state) },
  ];
}

const tell = (state) => compare(curvesOf(state));

export { parameters, fitChannels, tilted, refit, logCuts, tell, accepts, shareWords, leanWords };
export default { render, accepts };
