// The entanglement explorer: a small state, and what every bipartition of it says.
// A state is { sites, amplitudes }: qubits, amplitudes in row-major order, the last site fastest.

// --- states -----------------------------------------------------------------------------

// Mulberry32: the same numbers as `_uniform` in entanglement.py, from the same seed.
function uniform(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function normal(next) {
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

const kron = (u, v) => u.flatMap((a) => v.map((b) => a * b));
const filled = (length, make) => Array.from({ length }, (_, i) => make(i));

function normalized(amplitudes) {
  const norm = Math.hypot(...amplitudes);
  return norm ? amplitudes.map((a) => a / norm) : amplitudes;
}

const PAIRINGS = [[[0, 1], [2, 3]], [[0, 2], [1, 3]], [[0, 3], [1, 2]]];
const bit = (index, site) => (index >> (3 - site)) & 1;

const STATES = {
  angle: ({ theta }) => [Math.cos(theta * Math.PI / 180), 0, 0, Math.sin(theta * Math.PI / 180)],
  product: ({ seed }) => {
    const next = uniform(seed);
    const sites = filled(4, () => 2 * Math.PI * next()).map((angle) => [Math.cos(angle), Math.sin(angle)]);
    return sites.reduce(kron);
  },
  "bell-pairs": ({ pairing }) => filled(16, (i) =>
    Number(PAIRINGS[pairing].every(([a, b]) => bit(i, a) === bit(i, b)))),
  ghz: () => filled(16, (i) => Number(i === 0 || i === 15)),
  w: () => filled(16, (i) => Number([1, 2, 4, 8].includes(i))),
  random: ({ seed }) => filled(16, normal(uniform(seed))),
  convac: ({ channels, seed }) => convacTensor(channels, normal(uniform(seed))),
  own: ({ amplitudes }) => amplitudes,
};

// The coefficients tensor of a ConvAC with N = 4, M = 2 and no shared weights (eq. 12).
function convacTensor([r0, r1], draw) {
  const matrix = (rows, columns) => filled(rows, () => filled(columns, draw));
  const first = filled(4, () => matrix(r0, 2));
  const second = filled(2, () => matrix(r1, r0));
  const dense = filled(r1, draw);
  const halves = second.map((weights, k) => {
    const pairs = filled(r0, (a) => kron(first[2 * k][a], first[2 * k + 1][a]));
    return weights.map((row) => filled(4, (d) => row.reduce((sum, w, a) => sum + w * pairs[a][d], 0)));
  });
  const terms = dense.map((w, g) => kron(halves[0][g], halves[1][g]).map((x) => w * x));
  return filled(16, (i) => terms.reduce((sum, term) => sum + term[i], 0));
}

function makeState(settings) {
  const amplitudes = normalized(STATES[settings.kind](settings));
  return { sites: Math.round(Math.log2(amplitudes.length)), amplitudes };
}

// --- measures ---------------------------------------------------------------------------

// All bipartitions, the even ones first; site 0 is always in A, except that single sites are A.
function bipartitions(sites) {
  if (sites === 2) return [[0]];
  if (sites === 3) return [[0], [1], [2]];
  return [[0, 1], [0, 2], [0, 3], [0], [1], [2], [3]];
}

function matricization({ sites, amplitudes }, inA) {
  const inB = filled(sites, (s) => s).filter((s) => !inA.includes(s));
  const index = (group, value) => group.reduce((sum, site, place) =>
    sum | (((value >> (group.length - 1 - place)) & 1) << (sites - 1 - site)), 0);
  return filled(2 ** inA.length, (row) =>
    filled(2 ** inB.length, (column) => amplitudes[index(inA, row) | index(inB, column)]));
}

// Singular values by one-sided Jacobi rotations of the rows (at most as many as columns).
function singularValues(matrix) {
  let rows = matrix.length <= matrix[0].length ? matrix
    : filled(matrix[0].length, (j) => matrix.map((row) => row[j]));
  rows = rows.map((row) => [...row]);
  const dot = (u, v) => u.reduce((sum, x, i) => sum + x * v[i], 0);
  for (let sweep = 0, turned = true; turned && sweep < 60; sweep++) {
    turned = false;
    for (let p = 0; p < rows.length; p++) {
      for (let q = p + 1; q < rows.length; q++) {
        const [u, v] = [rows[p], rows[q]];
        const [uu, vv, uv] = [dot(u, u), dot(v, v), dot(u, v)];
        if (Math.abs(uv) <= 1e-16 * Math.sqrt(uu * vv) || uv === 0) continue;
        turned = true;
        const zeta = (vv - uu) / (2 * uv);
        const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const c = 1 / Math.hypot(1, t), s = c * t;
        rows[p] = u.map((x, i) => c * x - s * v[i]);
        rows[q] = u.map((x, i) => s * x + c * v[i]);
      }
    }
  }
  return rows.map((row) => Math.hypot(...row)).sort((a, b) => b - a);
}

function measure(state, inA) {
  const values = singularValues(matricization(state, inA));
  const total = values.reduce((sum, x) => sum + x * x, 0) || 1;
  const weights = values.map((x) => (x * x) / total);
  const entropy = -weights.reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0);
  // 1 - λ₁²/Σλ² as a sum of the others: no cancellation near a separable state.
  const geometric = Math.sqrt(weights.slice(1).reduce((sum, p) => sum + p, 0));
  const size = 2 ** (state.sites - Math.min(inA.length, state.sites - inA.length));
  const number = values.filter((x) => x > size * 2 ** -52 * values[0]).length;
  return { inA, values, entropy: Math.max(0, entropy), geometric, number };
}

// --- words ------------------------------------------------------------------------------

const KINDS = [
  ["angle", "two sites, by angle"], ["product", "product state"], ["bell-pairs", "two Bell pairs"],
  ["ghz", "GHZ state"], ["w", "W state"], ["random", "random state"], ["convac", "tensor of a ConvAC"],
];
const fixed = (x) => (x < 1e-12 ? "0" : x < 5e-4 ? "< 0.001" : x.toFixed(3));
const braces = (sites) => `{${sites.join(", ")}}`;

function sideWords(inA, sites) {
  const inB = filled(sites, (s) => s).filter((s) => !inA.includes(s));
  return `${braces(inA)} | ${braces(inB)}`;
}

// Bipartitions that no calculation in floating point can tell apart share the first place.
function conclusion(sites, rows) {
  const highest = Math.max(...rows.map((row) => row.entropy));
  const most = rows.filter((row) => row.entropy > highest - 1e-9);
  // Of a product state rounding leaves Schmidt values of 1e-16, and an entropy of nothing.
  const zero = rows.filter((row) => row.number === 1 || row.entropy < 1e-12);
  if (zero.length === rows.length) return "A product state: no bipartition is entangled, every entropy is 0.";
  const ceilings = [...new Set(most.map((row) => fixed(Math.log(row.values.length))))];
  const size = `entropy ${fixed(highest)} nats, of at most ${ceilings.join(" or ")}`;
  const named = (some) => listed(some.map((row) => sideWords(row.inA, sites)));
  if (rows.length === 1) return `The two sites are entangled: ${size}.`;
  if (most.length === rows.length) return `All ${rows.length} bipartitions are entangled alike: ${size}.`;
  const head = most.length === 1 ? `Most entangled: ${named(most)}, ${size}`
    : `Most entangled, all alike: ${named(most)}, ${size}`;
  return `${head}${zero.length ? `; not at all: ${named(zero)}` : ""}.`;
}

// The sentence below the table, from the traits alone.
function tell(settings) {
  const state = makeState(settings);
  return conclusion(state.sites, bipartitions(state.sites).map((inA) => measure(state, inA)));
}

// --- pictures ---------------------------------------------------------------------------

function siteGlyph(inA, sites, step) {
  const r = step * 0.43;
  return svg("svg", { width: step * sites, height: 24, "aria-hidden": "true", class: "glyph" },
    filled(sites, (site) => {
      const x = step * (site + 0.5), a = inA.includes(site);
      return [a ? svg("circle", { cx: x, cy: 12, r, class: "mark a" })
        : svg("rect", { x: x - r, y: 12 - r, width: 2 * r, height: 2 * r, rx: 2, class: "mark b" }),
      svg("text", { x, y: 16.5, class: a ? "on-a" : "on-b" }, String(site))];
    }).flat());
}

// The Schmidt values as columns from 0 to 1; a value that is zero keeps its foot.
function valueBars(values, wide) {
  const height = 40;
  return svg("svg", { width: 4 * wide, height: height + 3, role: "img", class: "values",
    "aria-label": `Schmidt values ${values.map(fixed).join(", ")}` },
  svg("line", { x1: 0, x2: 4 * wide, y1: height + 1, y2: height + 1, class: "foot" }),
  values.map((value, i) => svg("rect", {
    x: i * wide + 2, width: wide - 5, y: height - height * value, height: Math.max(height * value, 0.01), class: "bar-of",
  })));
}

// Entropy and geometric measure along the angle, and where the slider stands.
function angleCurves(theta, width) {
  const box = { left: 34, right: width - 118, top: 10, bottom: 128 };
  const x = (degrees) => box.left + (box.right - box.left) * degrees / 90;
  const y = (value) => box.bottom - (box.bottom - box.top) * value / 0.75;
  const rows = filled(91, (d) => measure(makeState({ kind: "angle", theta: d }), [0]));
  const path = (pick) => rows.map((row, d) => `${d ? "L" : "M"}${x(d).toFixed(1)},${y(pick(row)).toFixed(1)}`).join("");
  const now = measure(makeState({ kind: "angle", theta }), [0]);
  const names = [now.entropy, now.geometric].map(y);
  const legend = (at, name, kind) => [
    svg("line", { x1: box.right + 12, x2: box.right + 38, y1: at - 4, y2: at - 4, class: `curve ${kind}` }),
    svg("text", { x: box.right + 46, y: at }, name)];
  return svg("svg", { width, height: 158, role: "img", class: "curves",
    "aria-label": `Entropy and geometric measure as the angle goes from 0 to 90 degrees; at ${theta} degrees they are ${fixed(now.entropy)} and ${fixed(now.geometric)}` },
  [[0, "0"], [Math.LN2, "ln 2"]].map(([v, name]) => [
    svg("line", { x1: box.left, x2: box.right, y1: y(v), y2: y(v), class: "grid" }),
    svg("text", { x: box.left - 6, y: y(v) + 4, "text-anchor": "end" }, name)]).flat(),
  [0, 45, 90].map((d) => svg("text", { x: x(d), y: box.bottom + 20, "text-anchor": "middle" }, `${d}°`)),
  svg("path", { d: path((row) => row.geometric), class: "curve second" }),
  svg("path", { d: path((row) => row.entropy), class: "curve" }),
  svg("line", { x1: x(theta), x2: x(theta), y1: box.top, y2: box.bottom, class: "cursor" }),
  svg("circle", { cx: x(theta), cy: names[1], r: 4.5, class: "dot second" }),
  svg("circle", { cx: x(theta), cy: names[0], r: 4.5, class: "dot" }),
  legend(36, "entropy S", ""), legend(60, "distance D", "second"));
}

// --- the explorer -----------------------------------------------------------------------

const SETTINGS = ["kind", "theta", "pairing", "channels", "seed", "amplitudes"];
const HOW = "Choose a state. Each line of the table cuts its sites into two groups, discs against squares, and says how strongly the two are entangled.";

function accepts({ kind, theta, pairing, channels, seed, amplitudes }) {
  const own = kind !== "own" || ([4, 8, 16].includes(amplitudes.length) && amplitudes.some((a) => a !== 0));
  return (kind === "own" || KINDS.some(([key]) => key === kind)) && own &&
    theta >= 0 && theta <= 90 && isWhole(pairing, 0, 2) && isWhole(seed, 0, 2 ** 31 - 1) &&
    channels.length === 2 && channels.every((width) => isWhole(width, 1, 64));
}

function render(context) {
  const { model } = context;
  const life = mount(context, "entanglement", draw, { how: HOW, state: SETTINGS });
  const settings = () => Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
  const set = (values) => update(model, values);

  const kinds = model.get("kind") === "own" ? [["own", "your own state"], ...KINDS] : KINDS;
  const pick = choice({ label: "State", options: kinds, value: model.get("kind"), onchange: (kind) => set({ kind }) });
  const theta = slider({
    label: html("i", {}, "θ"), name: "angle theta in degrees", min: 0, max: 90, value: model.get("theta"),
    format: (d) => `${d}°`, oninput: (d) => set({ theta: d }),
  });
  const pairing = segments({
    label: "Which sites share a pair", value: model.get("pairing"),
    options: PAIRINGS.map((pairs, i) => [i, pairs.map((pair) => pair.join("–")).join("  ")]),
    onchange: (i) => set({ pairing: i }),
  });
  const widths = [0, 1].map((layer) => slider({
    label: symbol("r", layer), name: `channels of layer ${layer}`, min: 1, max: Math.max(4, ...model.get("channels")), value: model.get("channels")[layer],
    oninput: (r) => { const channels = [...model.get("channels")]; channels[layer] = r; set({ channels }); },
  }));
  const another = button("draw another", () => set({ seed: (model.get("seed") + 1) % 2 ** 31 }));
  const options = html("div", { class: "options" }, theta.row, pairing.row, widths.map((one) => one.row), another);
  const ket = html("p", { class: "ket" });
  const body = html("tbody");
  const cutHead = html("th", { scope: "col" }, term("min cut", "What the ConvAC's widths allow: the rank is at most this."));
  const table = html("table", { class: "measures" },
    html("caption", { class: "spoken" }, "Every bipartition with its Schmidt values and entanglement measures"),
    html("thead", {}, html("tr", {},
      html("th", { scope: "col" }, "A and B"),
      html("th", { scope: "col" }, term("Schmidt values", "The weights λ of the products that the state is a sum of, each 1 at most. One alone: nothing is entangled.")),
      html("th", { scope: "col" }, term("entropy S", "In nats: 0 for a product state, the logarithm of the rank when all Schmidt values are equal. The bar is filled at the most that two sites can have.")),
      html("th", { scope: "col" }, term("D", "The distance to the nearest product of a state of A and a state of B.")),
      html("th", { scope: "col" }, term("rank", "How many Schmidt values are not zero.")), cutHead)), body);
  const words = html("p", { class: "words" });
  const curves = html("div");
  life.root.append(html("div", { class: "bar" }, pick.row, options), ket, curves,
    table, words, life.status);

  function draw(width) {
    const now = settings();
    const state = makeState(now);
    const rows = bipartitions(state.sites).map((inA) => measure(state, inA));
    pick.select.value = now.kind;
    theta.set(now.theta);
    pairing.set(now.pairing);
    widths.forEach((one, layer) => one.set(now.channels[layer]));
    show(theta.row, now.kind === "angle");
    show(pairing.row, now.kind === "bell-pairs");
    widths.forEach((one) => show(one.row, now.kind === "convac"));
    show(another, ["product", "random", "convac"].includes(now.kind));
    show(cutHead, now.kind === "convac");
    ket.textContent = ketWords(now, state);
    curves.replaceChildren(...(now.kind === "angle" ? [angleCurves(now.theta, width)] : []));
    body.replaceChildren(...rows.map((row) => tableRow(row, state, now, width < 480)));
    words.textContent = conclusion(state.sites, rows);
    life.say(words.textContent);
  }
  return life.stop;
}

const show = (node, shown) => { node.hidden = !shown; };

function tableRow(row, { sites }, { kind, channels }, narrow) {
  const ceiling = sites === 4 ? Math.log(4) : Math.LN2;
  const cut = kind === "convac" && minimalCut({ sites: 4, window: 2, localDim: 2, channels },
    filled(4, (site) => row.inA.includes(site)));
  return html("tr", {},
    html("th", { scope: "row" }, siteGlyph(row.inA, sites, narrow ? 17 : 22), html("span", { class: "spoken" }, sideWords(row.inA, sites))),
    html("td", {}, valueBars(row.values, narrow ? 11 : 17)),
    html("td", {}, html("span", { class: "entropy", style: `--part: ${row.entropy / ceiling}` }, fixed(row.entropy))),
    html("td", {}, fixed(row.geometric)),
    html("td", {}, String(row.number)),
    cut ? html("td", { class: "cut" }, whole(cut.weight)) : null);
}

// The state as a sum of kets, while that is short.
function ketWords(settings, { sites, amplitudes }) {
  if (settings.kind === "angle") return "|ψ⟩ = cos θ |00⟩ + sin θ |11⟩";
  const terms = amplitudes.flatMap((a, i) => (Math.abs(a) > 1e-12 ? [[a, i.toString(2).padStart(sites, "0")]] : []));
  const equal = terms.every(([a]) => Math.abs(a - terms[0][0]) < 1e-12);
  if (equal && terms.length <= 4 && terms.length > 1) {
    const root = terms.length === 4 ? "½ " : `1/√${terms.length} `;
    return `|ψ⟩ = ${root}( ${terms.map(([, word]) => `|${word}⟩`).join(" + ")} )`;
  }
  return {
    product: "|ψ⟩ = |φ₀⟩ ⊗ |φ₁⟩ ⊗ |φ₂⟩ ⊗ |φ₃⟩, four real local states at random angles",
    random: "|ψ⟩ with 16 amplitudes drawn from a normal distribution",
    convac: "|ψ⟩ with the coefficients of a random ConvAC: 4 sites, M = 2, no shared weights",
  }[settings.kind] ?? `|ψ⟩ of ${sites} sites, ${amplitudes.length} amplitudes`;
}

export { makeState, bipartitions, measure, singularValues, tell, accepts, KINDS };
export default { render, accepts };
