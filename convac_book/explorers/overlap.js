// The overlap explorer: a line of sites, layers of overlapping windows, and which of their
// positions see both halves.

// --- numbers ----------------------------------------------------------------------------

const LIMITS = { n_sites: [4, 24], window: [2, 4], depth: [0, 12], local_dim: [2, 4], channels: [1, 64] };

// The most layers that leave a position.
const mostLayers = (sites, window) => Math.min(LIMITS.depth[1], Math.floor((sites - 1) / (window - 1)));

// As `overlap_numbers` in overlap.py; ranks are BigInt.
function overlapNumbers({ n_sites, window, depth, local_dim, channels }) {
  const half = n_sites / 2, reach = depth * (window - 1), positions = n_sites - reach;
  const least = (a, b) => (a < b ? a : b);
  const full = BigInt(local_dim) ** BigInt(half);
  let straddling = 0;
  for (let j = 0; j < positions; j++) if (j < half && half <= j + reach) straddling++;
  return {
    reach, positions, straddling, full,
    rank: least(full, BigInt(channels) * BigInt(local_dim) ** BigInt(reach)),
    tree: least(full, BigInt(channels)),
    exact: reach <= half,
  };
}

const bits = (n) => {
  const digits = String(n);
  return digits.length > 15 ? (digits.length - 15) * Math.log2(10) + Math.log2(Number(digits.slice(0, 15))) : Math.log2(Number(n));
};

// --- the picture ------------------------------------------------------------------------

function drawCone({ n_sites, window, depth }, chosen, width, choose) {
  const half = n_sites / 2, step = (width - 20) / n_sites, gap = Math.min(34, 200 / Math.max(depth, 1));
  const bottom = 14 + gap * depth + 14, size = Math.max(3, Math.min(7, step / 3));
  const place = (layer, j) => [10 + step * (j + layer * (window - 1) / 2 + 0.5), bottom - gap * layer];
  const sees = (layer, j) => (j + layer * (window - 1) < half ? "a" : j >= half ? "b" : "both");
  const inCone = (layer, j) => chosen != null && j >= chosen && j <= chosen + (depth - layer) * (window - 1);
  const edges = [], dots = [];
  for (let layer = 0; layer < depth; layer++) {
    for (let j = 0; j < n_sites - (layer + 1) * (window - 1); j++) {
      for (let k = 0; k < window; k++) {
        const [x1, y1] = place(layer + 1, j), [x2, y2] = place(layer, j + k);
        const lit = inCone(layer + 1, j) && inCone(layer, j + k);
        edges.push(svg("line", { x1, y1, x2, y2, class: lit ? "bond lit" : "bond" }));
      }
    }
  }
  for (let layer = 0; layer <= depth; layer++) {
    for (let j = 0; j < n_sites - layer * (window - 1); j++) {
      const [x, y] = place(layer, j), kind = sees(layer, j), lit = inCone(layer, j);
      if (layer === 0) {
        dots.push(kind === "a" ? svg("circle", { cx: x, cy: y, r: size, class: "fill-a" })
          : svg("rect", { x: x - size, y: y - size, width: 2 * size, height: 2 * size, class: "fill-b" }));
      } else dots.push(svg("circle", { cx: x, cy: y, r: size, class: `dot ${kind}` }));
      if (lit) dots.push(svg("circle", { cx: x, cy: y, r: size + 3, class: "ring" }));
      if (layer === depth && depth > 0) {
        dots.push(svg("rect", { x: x - step / 2, y: 0, width: step, height: bottom + 14, class: "hit",
          onclick: () => choose(j), onpointerenter: (event) => { if (event.pointerType === "mouse") choose(j); } }));
      }
    }
  }
  return svg("svg", { width, height: bottom + 16, role: "img",
    "aria-label": `${n_sites} sites, the left half in A, ${plural(depth, "layer")} of windows of ${window} above them` }, edges, dots);
}

// Three bars on a scale of bits: a tree, these overlaps, all there is.
function drawBars(found, width) {
  const rows = [["tree", found.tree, "bond-bar"], ["overlaps", found.rank, "cut-bar"], ["full", found.full, "rule-bar"]];
  const left = 74, right = width - 96, most = bits(found.full);
  return svg("svg", { width, height: 84, role: "img",
    "aria-label": `log2 of the rank: ${rows.map(([name, rank]) => `${name} ${bits(rank).toFixed(1)}`).join(", ")} bits` },
  rows.map(([name, rank, kind], i) => {
    const y = 8 + 27 * i, long = Math.max(2, (right - left) * bits(rank) / most);
    return [svg("text", { x: left - 8, y: y + 13, "text-anchor": "end" }, name),
      svg("rect", { x: left, y, width: long, height: 17, rx: 3, class: kind }),
      svg("text", { x: left + long + 6, y: y + 13, class: "strong" }, whole(rank))];
  }).flat());
}

// --- words ------------------------------------------------------------------------------

function tell(values, found) {
  const { n_sites, depth, channels, local_dim } = values;
  const straddle = `${found.straddling} of ${plural(found.positions, "last position")} ${found.straddling === 1 ? "sees" : "see"} both halves.`;
  if (!found.exact) return `${straddle} The reach ${found.reach} is longer than a half of ${n_sites / 2} sites: the rank is at most ${whole(found.rank)}, and may be less.`;
  if (found.rank === found.full) return `${straddle} For almost all weights the rank is full, ${whole(found.full)}.`;
  const law = depth ? `${channels} · ${local_dim}${superscript(found.reach)} = ${whole(found.rank)}` : whole(found.rank);
  return `${straddle} For almost all weights the rank is ${law}, of ${whole(found.full)}.`;
}

// --- the explorer -----------------------------------------------------------------------

const HOW = "Raise L: every layer lets the last positions see further, and more of them see both halves. Point at one, or move j, to see what it sees.";
const NAMES = ["n_sites", "window", "depth", "local_dim", "channels"];
const accepts = (state) => NAMES.every((name) => isWhole(state[name], ...LIMITS[name]))
  && state.n_sites % 2 === 0 && state.depth <= mostLayers(state.n_sites, state.window);

function render(context) {
  const { model } = context;
  const life = mount(context, "overlap", draw, { how: HOW, state: NAMES });
  const read = () => pickFrom(model, NAMES);
  let chosen = null;

  const change = (values) => {
    const next = { ...read(), ...values };
    next.depth = Math.min(next.depth, mostLayers(next.n_sites, next.window));
    chosen = null;
    update(model, next);
  };
  const control = (label, name, key, step = 1) => slider({
    label, name, min: LIMITS[key][0], max: LIMITS[key][1], step, value: model.get(key),
    oninput: (now) => change({ [key]: now }),
  });
  const controls = {
    n_sites: control("N", "sites N", "n_sites", 2), window: control("w", "sites in a window w", "window"),
    depth: control("L", "layers L", "depth"), local_dim: control("M", "features M", "local_dim"),
    channels: control("K", "channels of the last product K", "channels"),
  };
  const position = slider({
    label: "j", name: "last position whose view is shown", min: 0, max: 1, value: 0,
    format: (j) => (chosen == null ? "–" : String(j)), oninput: (j) => { chosen = j; life.redraw(); },
  });
  const cone = html("div"), bars = html("div"), words = html("p", { class: "words" });
  const dot = (kind) => svg("circle", { cx: 9, cy: 7, r: 5, class: kind });
  life.root.append(html("div", { class: "bar" }, NAMES.map((name) => controls[name].row), position.row),
    legendOf([[dot("dot both"), "sees both halves"], [dot("dot a"), "sees one"], [dot("fill-a"), "site in A"],
      [svg("rect", { x: 4, y: 2, width: 10, height: 10, class: "fill-b" }), "site in B"]]),
    cone, bars, words, life.status);

  function draw(width) {
    const values = read(), found = overlapNumbers(values);
    controls.depth.input.max = mostLayers(values.n_sites, values.window);
    for (const name of NAMES) controls[name].set(values[name]);
    position.input.max = found.positions - 1;
    position.set(chosen ?? Math.floor((found.positions - 1) / 2));
    const choose = (j) => { if (chosen !== j) { chosen = j; life.redraw(); } };
    cone.replaceChildren(drawCone(values, chosen, width, choose));
    bars.replaceChildren(drawBars(found, width));
    words.textContent = tell(values, found);
    life.say(words.textContent);
  }

  return life.stop;
}

export { overlapNumbers, mostLayers, tell, bits, accepts };
export default { render, accepts };
