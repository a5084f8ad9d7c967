// The cut explorer: a ConvAC as its tree, a partition of its leaves, the minimal cut.

// Networks whose exact rank is known to lie below the minimal cut (tests/test_explorers.py).
const GAPS = [
  { label: "7 < 8", rank: 7, n_sites: 16, window: 4, local_dim: 2, channels: [3, 2],
    partition: "BBBBBBBBBAAABAAA" },
  { label: "56 < 60", rank: 56, n_sites: 16, window: 2, local_dim: 2, channels: [3, 5, 5, 2],
    partition: "AAABBBBBBBBAAAAA" },
];
const TREES = [
  ["8", "line of 8 sites", 8, 2], ["16", "line of 16 sites", 16, 2],
  ["32", "line of 32 sites", 32, 2], ["4x4", "image of 4 × 4", 16, 4],
];

// --- partitions -------------------------------------------------------------------------

const letters = (inA) => inA.map((a) => (a ? "A" : "B")).join("");
const isImage = (network) => network.window === 4;

// Site s of an image in Morton order: the even bits are its column, the odd bits its row.
function pixel(site) {
  let row = 0, column = 0;
  for (let bit = 0; site >> (2 * bit); bit++) {
    column |= ((site >> (2 * bit)) & 1) << bit;
    row |= ((site >> (2 * bit + 1)) & 1) << bit;
  }
  return { row, column };
}

function blocks(network, length) {
  return Array.from({ length: network.sites }, (_, site) => {
    if (!isImage(network)) return Math.floor(site / length) % 2 === 0;
    const { row, column } = pixel(site);
    return (Math.floor(row / length) + Math.floor(column / length)) % 2 === 0;
  });
}

function halves(network, axis) {
  const half = isImage(network) ? Math.sqrt(network.sites) / 2 : network.sites / 2;
  return Array.from({ length: network.sites }, (_, site) =>
    (isImage(network) ? pixel(site)[axis] : site) < half);
}

function randomBalanced(network) {
  const inA = halves(network, "column");
  for (let i = inA.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [inA[i], inA[j]] = [inA[j], inA[i]];
  }
  return inA;
}

// --- words ------------------------------------------------------------------------------

const bondName = (level) => (level === 0 ? "M" : `r${subscript(level - 1)}`);
const layerName = (level) => (level === 0 ? "the inputs" : `layer ${level - 1}`);

const levelsOf = (counts) => counts.flatMap((count, level) => (count ? [level] : []));

// "r₀² · r₁ = 36"
function productWords({ counts, weight }) {
  const factors = levelsOf(counts).map((level) =>
    bondName(level) + (counts[level] > 1 ? superscript(counts[level]) : ""));
  return `${factors.join(" · ") || "1"} = ${whole(weight)}`;
}

// What moved between two cuts of the same tree, in a sentence.
function moveWords(before, after) {
  const was = levelsOf(before.counts), is = levelsOf(after.counts);
  const left = listed(was.filter((level) => !is.includes(level)).map(layerName));
  const joined = listed(is.filter((level) => !was.includes(level)).map(layerName));
  const grew = before.weight === after.weight ? ""
    : `, and its weight went from ${whole(before.weight)} to ${whole(after.weight)}`;
  if (left && joined) return `The cut left ${left} for ${joined}${grew}.`;
  if (joined) return `The cut now passes through ${joined} too${grew}.`;
  if (left) return `The cut no longer passes through ${left}${grew}.`;
  const same = before.counts.every((count, level) => count === after.counts[level]);
  const where = listed(is.map(layerName)) || "place";
  return same ? `The cut stayed in ${where}${grew}.`
    : `The cut stayed in ${where} but crosses it elsewhere${grew}.`;
}

// A quotient of two BigInts, above > below, as a factor: "2.25", "3.1 × 10⁵".
function ratioWords(above, below) {
  const thousandths = (above * 1000n) / below;
  if (thousandths > 10n ** 9n) return whole(above / below);
  const shown = Number((Number(thousandths) / 1000).toPrecision(3));
  return shown > 1 ? String(shown) : "a little over 1";
}

// A BigInt's logarithm, also beyond the range of a Number.
function logarithm(n) {
  const digits = String(n);
  return Math.log(Number(digits.slice(0, 15))) + Math.max(0, digits.length - 15) * Math.LN10;
}

// What is known of the rank behind a cut, in a sentence.
function tell(network, inA, cut, bound) {
  const gap = GAPS.find((one) => one.n_sites === network.sites && one.window === network.window &&
    one.local_dim === network.localDim && one.partition === letters(inA) &&
    String(one.channels) === String(network.channels));
  if (gap) {
    return `A known gap: the exact rank is ${gap.rank}, ` +
      `between Theorem 2's ${whole(bound.bound)} and the cut's ${whole(cut.weight)}.`;
  }
  if (cut.weight === 1n) return "The rank is exactly 1: A and B are not correlated, whatever the weights.";
  const scope = network.window === 2 ? "By Theorem 2, "
    : "With Theorem 2, proved for windows of 2, carried over to this tree: ";
  return scope + (bound.bound === cut.weight
    ? `for almost all weights the rank is exactly ${whole(cut.weight)}.`
    : `for almost all weights the rank lies from ${whole(bound.bound)} to ${whole(cut.weight)}.`);
}

// --- the picture ------------------------------------------------------------------------

const CELL = 36;

// Where everything stands, in pixels. Level row l holds layer l's copy tensors; the matrices
// stand on the lines between the rows, and below the last row come the sites.
function layout(network, width) {
  const { sites, window, channels } = network;
  const image = isImage(network);
  const aside = !image && (width - 210) / sites >= 20;
  const beside = image && width >= 560;
  const drawing = width - (aside ? 200 : beside ? 400 : 0);
  const margin = aside ? 4 : 30;
  const step = (drawing - margin - 4) / sites;
  const aligned = !image && step >= 19;
  const pitch = aside ? 50 : sites > 16 || width < 480 ? 38 : 46;
  const row = (level) => (channels.length - level + 0.5) * pitch;
  const line = (level) => (channels.length - level) * pitch + 2;
  const xs = [Array.from({ length: sites }, (_, j) => margin + (j + 0.5) * step)];
  channels.forEach((_, l) => {
    xs.push(Array.from({ length: xs[l].length / window }, (_, k) =>
      (xs[l][k * window] + xs[l][(k + 1) * window - 1]) / 2));
  });
  const foot = (channels.length + 1) * pitch + (aligned ? 0 : 8);
  return { aside, beside, aligned, drawing, margin, step, pitch, row, line, xs, foot };
}

// The side of a copy tensor: where most of its legs lead (the children's, then its own).
function majority(legs) {
  const onB = legs.filter((side) => side === 1).length;
  return 2 * onB === legs.length ? legs.at(-1) : Number(2 * onB > legs.length);
}

function drawTree(network, inA, cut, at) {
  const { window, channels } = network;
  const bonds = [], severed = [], nodes = [];
  const side = ["a", "b"];
  const wire = (x1, y1, x2, y2, which, isCut) => {
    (isCut ? severed : bonds).push(svg("line",
      { x1, y1, x2, y2, class: isCut ? "bond severed" : `bond ${side[which]}` }));
  };
  inA.forEach((a, j) => {
    const crossed = cut.sides[0][j] !== (a ? 0 : 1);
    wire(at.xs[0][j], at.foot, at.xs[0][j], at.line(0), a ? 0 : 1, crossed);
  });
  channels.forEach((_, l) => {
    at.xs[l + 1].forEach((x, k) => {
      const legs = [...cut.sides[l].slice(k * window, (k + 1) * window), cut.sides[l + 1][k]];
      const home = majority(legs), top = l === channels.length - 1;
      legs.slice(0, -1).forEach((which, c) =>
        wire(at.xs[l][k * window + c], at.line(l), x, at.row(l + 1), which, which !== home));
      wire(x, at.row(l + 1), x, at.line(l + 1), top ? home : legs.at(-1), !top && legs.at(-1) !== home);
      nodes.push(triangle(x, at.row(l + 1), cut.severed[l][k], at.step * window ** l));
    });
    cut.sides[l].forEach((which, j) =>
      nodes.push(mark(at.xs[l][j], at.line(l), which, Math.min(4, at.step * window ** l * 0.3))));
  });
  if (!at.aligned) {
    inA.forEach((a, j) => nodes.push(mark(at.xs[0][j], at.foot, a ? 0 : 1, Math.min(6, at.step * 0.42))));
  }
  const names = at.aside ? [] : levelNames(network, cut, at);
  return svg("svg", {
    width: at.drawing, height: at.foot + (at.aligned ? 0 : 10), role: "img", class: "tree",
    "aria-label": `The tree of ${plural(channels.length, "layer")} with its minimal cut, ${productWords(cut)}`,
  }, bonds, severed, nodes, names);
}

// Side A is a disc, side B a square: the shapes say what the colours say.
function mark(x, y, which, r) {
  return which === 0 ? svg("circle", { cx: x, cy: y, r, class: "mark a" })
    : svg("rect", { x: x - r * 0.9, y: y - r * 0.9, width: r * 1.8, height: r * 1.8, class: "mark b" });
}

function triangle(x, y, isCut, room) {
  const r = Math.max(3.5, Math.min(isCut ? 9 : 7, room * 0.42));
  const points = [[0, -r], [r, r * 0.8], [-r, r * 0.8]].map(([dx, dy]) => `${x + dx},${y + dy}`);
  return svg("polygon", { points: points.join(" "), class: isCut ? "delta cut" : "delta" });
}

function levelNames(network, cut, at) {
  return [network.localDim, ...network.channels].map((_, level) => {
    const y = level === 0 ? (at.line(0) + at.foot) / 2 : at.row(level);
    return svg("text", { x: 0, y: y + 4, class: cut.counts[level] ? "level cut" : "level" }, bondName(level));
  });
}

// From 1 to M^min(|A|,|B|) on a logarithmic line: Theorem 2's bound, the cut, the room between.
function drawGauge(network, inA, cut, bound, width) {
  const smaller = Math.min(inA.filter(Boolean).length, inA.filter((a) => !a).length);
  const largest = BigInt(network.localDim) ** BigInt(smaller);
  const name = `M${smaller > 1 ? superscript(smaller) : ""} = ${whole(largest)}`;
  const ends = [18, width - 12 - 7 * name.length];
  const x = (n) => ends[0] + (ends[1] - ends[0]) * (logarithm(n) / (logarithm(largest) || 1));
  const low = x(bound.bound), high = x(cut.weight);
  return svg("svg", { width, height: 26, class: "gauge", role: "img",
    "aria-label": `On a scale from 1 to ${name}: bound ${whole(bound.bound)}, cut ${whole(cut.weight)}` },
  svg("line", { x1: ends[0], x2: ends[1], y1: 13, y2: 13, class: "track" }),
  svg("line", { x1: ends[0], x2: low, y1: 13, y2: 13, class: "sure" }),
  svg("line", { x1: low, x2: high, y1: 13, y2: 13, class: "room" }),
  svg("line", { x1: low, x2: low, y1: 5, y2: 21, class: "tick" }),
  svg("path", { d: `M${high},4 l7,9 l-7,9 l-7,-9 z`, class: "here" }),
  svg("text", { x: 0, y: 17 }, "1"),
  svg("text", { x: ends[1] + 10, y: 17 }, name));
}

// --- the explorer -----------------------------------------------------------------------

function readNetwork(model) {
  return {
    sites: model.get("n_sites"), window: model.get("window"),
    localDim: model.get("local_dim"), channels: [...model.get("channels")],
  };
}

// Python sets the traits one message at a time: between two of them they may not fit.
const fits = (network, inA) => inA.length === network.sites &&
  network.sites === network.window ** network.channels.length;

const STATE = ["n_sites", "window", "local_dim", "channels", "partition"];

// Whether a state that came from an address is one of ours.
function accepts({ n_sites, window, local_dim, channels, partition }) {
  const network = { sites: n_sites, window, channels };
  return isWhole(n_sites, 2, 64) && isWhole(window, 2, 64) && isWhole(local_dim, 1, 1000) &&
    channels.every((width) => isWhole(width, 1, 1000)) &&
    /^[AB]*$/.test(partition) && /AB|BA/.test(partition) && fits(network, partition);
}

function productElements({ counts, weight }) {
  const factors = levelsOf(counts).map((level, i) => [
    i ? " · " : "", symbol(level ? "r" : "M", level ? level - 1 : null),
    counts[level] > 1 ? html("sup", {}, String(counts[level])) : "",
  ]);
  return [...factors.flat(), factors.length ? " = " : "", html("b", {}, whole(weight))];
}

const HOW = "Click or drag along the A's and B's to move sites between the two groups, and move the sliders to change the widths. The dashed bonds are the cheapest way to cut A off from B.";

const legend = () => legendOf([
  [mark(9, 7, 0, 5), "site in A"], [mark(9, 7, 1, 5), "site in B"],
  [svg("line", { x1: 0, x2: 18, y1: 7, y2: 7, class: "bond severed" }), "bond that is cut"],
  [triangle(9, 7, true, 30), "copy tensor that is cut: its legs count once"],
]);

const gaugeLegend = () => legendOf([
  [svg("line", { x1: 9, x2: 9, y1: 0, y2: 14, class: "tick" }), "the rank is at least this"],
  [svg("path", { d: "M9,-1 l6,8 l-6,8 l-6,-8 z", class: "here" }), "the cut: the rank is at most this"],
  [svg("line", { x1: 0, x2: 18, y1: 7, y2: 7, class: "room" }), "not decided by the two"],
]);

function render(context) {
  const { model } = context;
  let network, inA, cut, built = "", shown = "", baseline = null, touched = 0;
  const life = mount(context, "cut", draw, { how: HOW, state: STATE });

  const drawing = html("div", { class: "drawing" });
  const levels = html("div", { class: "levels", role: "group", "aria-label": "Bond dimensions" });
  const bar = html("div", { class: "bar" });
  const answer = {
    cut: html("div", { class: "headline" }), bound: html("div"), room: html("div"), parameters: html("div"),
  };
  const words = html("p", { class: "words" });
  const powersOf = term("p", "Theorem 2 rounds every width down to a power of one whole number p and takes the cut of that network. This p gives the best bound.");
  const gauge = html("div");
  const [marks, gaugeMarks] = [legend(), gaugeLegend()];
  gaugeMarks.classList.add("gauge");
  const fact = (name, value) => html("div", {}, html("div", { class: "quiet" }, name), value);
  const stage = html("div", { class: "stage" }, levels, drawing);
  life.root.append(bar, stage, marks,
    html("div", { class: "facts" }, fact("Minimal cut", answer.cut),
      fact(term("Theorem 2", "A bound from below: for almost all weights the rank is at least this."), answer.bound),
      fact(term("Factor between", "How far the two bounds are apart. The rank lies between them."), answer.room),
      fact("Weights in all", answer.parameters)),
    gauge, gaugeMarks, words, life.status);

  let sliders = [], xi, cells = [], board;
  // Widths by name, such as the two designs of the first page; with them the tree is given.
  const profiles = model.get("profiles") ?? {};

  function draw(width) {
    network = readNetwork(model);
    inA = [...model.get("partition")].map((letter) => letter === "A");
    if (!fits(network, inA)) return;
    const before = cut;
    cut = minimalCut(network, inA);
    const bound = theorem2(network, inA);
    remember(before);
    drawStage(width);
    answer.cut.replaceChildren(...productElements(cut));
    answer.bound.replaceChildren(`rank ≥ ${whole(bound.bound)} `, html("small", {}, powersOf));
    powersOf.querySelector(".word").textContent = `p = ${bound.p}`;
    answer.room.textContent = bound.bound === cut.weight ? "none" : ratioWords(cut.weight, bound.bound);
    answer.parameters.textContent = whole(parameterCount(network, model.get("n_outputs")));
    gauge.replaceChildren(drawGauge(network, inA, cut, bound, width));
    words.textContent = explain(bound);
    life.say(`Sites ${letters(inA)}. Minimal cut ${productWords(cut)}. ${words.textContent}`);
  }

  // What moved is told against where the cut stood before the present burst of changes, so
  // that a drag is one move; a redraw that changes nothing leaves the words alone.
  function remember(before) {
    const shape = `${network.sites}/${network.window}`;
    const setting = JSON.stringify([network, inA]), now = performance.now();
    if (shape !== built) {
      buildControls();
      [built, baseline, touched] = [shape, null, -Infinity];
    } else if (setting !== shown) {
      if (now - touched > 1200) baseline = before;
      touched = now;
    }
    shown = setting;
  }

  function explain(bound) {
    const moved = baseline ? `${moveWords(baseline, cut)} ` : "";
    return moved + tell(network, inA, cut, bound);
  }

  // --- controls, built anew only when the tree changes

  function buildControls() {
    const setPartition = (next) => update(model, { partition: letters(next) });
    const tree = TREES.find(([, , n, w]) => n === network.sites && w === network.window);
    const trees = tree ? TREES : [["own", `${network.sites} sites by ${network.window}`, network.sites, network.window], ...TREES];
    const pick = choice({
      label: "Tree", options: trees.map(([key, text]) => [key, text]), value: (tree ?? trees[0])[0],
      onchange: (key) => growTree(trees.find(([other]) => other === key)),
    });
    const presets = isImage(network)
      ? [["checkerboard", () => blocks(network, 1)], ["left | right", () => halves(network, "column")],
        ["top | bottom", () => halves(network, "row")]]
      : [["interleaved", () => blocks(network, 1)], ["left | right", () => halves(network)]];
    presets.push(["random", () => randomBalanced(network)]);
    const even = network.sites % 2 === 0 ? presets : [];
    const longest = Math.floor((isImage(network) ? Math.sqrt(network.sites) : network.sites) / 2);
    xi = slider({
      label: ["blocks of ", html("i", {}, "ξ")], name: "block length ξ", min: 1, max: Math.max(2, longest), value: 1,
      oninput: (length) => setPartition(blocks(network, length)),
    });
    bar.replaceChildren(pick.row,
      html("div", { class: "presets", role: "group", "aria-label": "Partition" },
        even.map(([text, make]) => button(text, () => setPartition(make())))),
      html("div", { class: "presets", role: "group", "aria-label": "Known gaps between rank and cut" },
        html("span", { class: "quiet" }, term("rank < cut", "Networks whose exact rank is known to stay below the minimal cut.")),
        GAPS.map(({ label, rank, ...traits }) => button(label, () => update(model, traits),
          { "aria-label": `${label}, a known gap` }))),
      Object.keys(profiles).length === 0 ? "" : html("div", { class: "presets", role: "group", "aria-label": "Widths" },
        html("span", { class: "quiet" }, "widths"),
        Object.entries(profiles).map(([name, channels]) => button(name, () => update(model, { channels }),
          { "data-widths": String(channels) }))));
    bar.querySelectorAll(":scope > .presets:empty").forEach((empty) => empty.remove());
    if (Object.keys(profiles).length) bar.querySelector('[aria-label^="Known"]').remove();
    buildLevels();
    buildCells();
  }

  function growTree([, , sites, window]) {
    const depth = Math.round(Math.log(sites) / Math.log(window));
    const channels = Array.from({ length: depth }, (_, l) => network.channels[l] ?? network.channels.at(-1));
    const grown = { ...network, sites, window, channels };
    update(model, { n_sites: sites, window, channels, partition: letters(blocks(grown, 1)) });
  }

  function buildLevels() {
    const widths = [network.localDim, ...network.channels];
    sliders = widths.map((value, level) => slider({
      label: symbol(level ? "r" : "M", level ? level - 1 : null),
      name: level ? `channels of layer ${level - 1}` : "local dimension M",
      min: 1, max: Math.max(16, ...widths), value,
      oninput: (wanted) => {
        if (level === 0) return update(model, { local_dim: wanted });
        const channels = [...network.channels];
        channels[level - 1] = wanted;
        update(model, { channels });
      },
    }));
    levels.replaceChildren(...sliders.map((one) => one.row).reverse(), xi.row);
    xi.row.classList.add("xi");
  }

  function buildCells() {
    cells = inA.map((_, j) => button("", (event) => { if (event.detail === 0) paint(j, !inA[j]); },
      { class: "cell", "aria-label": `site ${j} in A` }));
    const order = isImage(network)
      ? cells.map((_, j) => j).sort((i, j) => pixel(i).row - pixel(j).row || pixel(i).column - pixel(j).column)
      : cells.map((_, j) => j);
    board = html("div", { class: "board", role: "group",
      "aria-label": "Sites: space moves one between A and B, arrows go to the next" }, order.map((j) => cells[j]));
    roving(board, order.map((j) => cells[j]), () => Number(board.dataset.columns));
    dragToPaint();
  }

  // A press changes one site; dragging on gives every site it passes the same side.
  function dragToPaint() {
    let side = null, start = "";
    board.addEventListener("pointerdown", (event) => {
      const j = cells.indexOf(event.target);
      if (j < 0 || event.button) return;
      start = letters(inA);
      side = !inA[j];
      paint(j, side);
    });
    board.addEventListener("pointermove", (event) => {
      if (side === null || !event.buttons) return;
      const j = cells.indexOf(document.elementFromPoint(event.clientX, event.clientY));
      if (j >= 0) paint(j, side);
    });
    board.addEventListener("pointerup", () => { side = null; });
    // The finger was scrolling the page, not painting.
    board.addEventListener("pointercancel", () => { side = null; update(model, { partition: start }); });
  }

  function paint(j, a) {
    const next = [...inA];
    next[j] = a;
    if (next[j] === inA[j]) return;
    if (next.every(Boolean) || !next.some(Boolean)) {
      words.textContent = `${a ? "B" : "A"} must keep at least one site.`;
      life.say(words.textContent);
      return;
    }
    inA = next; // so that a fast drag sees its own last step
    update(model, { partition: letters(next) });
  }

  // --- what every redraw sets

  function drawStage(width) {
    const at = layout(network, width);
    stage.className = `stage${at.aside ? " aside" : at.beside ? " beside" : ""}`;
    stage.style.setProperty("--pitch", `${at.pitch}px`);
    const side = Math.round(Math.sqrt(network.sites));
    const columns = isImage(network) ? side : at.aligned ? network.sites : Math.min(8, network.sites);
    board.dataset.columns = columns;
    board.classList.toggle("aligned", at.aligned);
    board.style.gridTemplateColumns = `repeat(${columns}, ${at.aligned ? `${at.step}px` : `minmax(0, ${CELL}px)`})`;
    board.style.marginLeft = at.aligned ? `${at.margin}px` : "";
    const tree = drawTree(network, inA, cut, at);
    const old = drawing.querySelector("svg");
    if (old && drawing.contains(board)) old.replaceWith(tree);
    else drawing.replaceChildren(tree, board);
    cells.forEach((cell, j) => {
      cell.textContent = inA[j] ? "A" : "B";
      cell.className = `cell ${inA[j] ? "a" : "b"}`;
      cell.setAttribute("aria-pressed", inA[j]);
    });
    [network.localDim, ...network.channels].forEach((value, level) => {
      sliders[level].set(value);
      sliders[level].row.classList.toggle("cut", cut.counts[level] > 0);
    });
    for (const one of bar.querySelectorAll("[data-widths]")) {
      one.setAttribute("aria-pressed", one.dataset.widths === String(network.channels));
    }
    const word = letters(inA);
    const longest = Number(xi.input.max);
    const length = Array.from({ length: longest }, (_, i) => i + 1).find((l) => letters(blocks(network, l)) === word);
    xi.set(length ?? 1, length ? String(length) : "–");
  }

  return life.stop;
}

export { minimalCut, theorem2, parameterCount, moveWords, productWords, ratioWords, tell, accepts, drawGauge, blocks, GAPS, TREES };
export default { render, accepts };
