// The depth explorer: one layer against many, as the sites become more.
// Nothing is shared; windows of two; every layer of the deep network has r channels.

const SITES = Array.from({ length: 10 }, (_, k) => 2 ** (k + 1)); // 2 to 1024

// What almost every such deep network holds between neighbours on different sides.
const neighbourRank = ({ n_sites, local_dim, channels }) =>
  BigInt(Math.min(local_dim, channels)) ** BigInt(n_sites / 2);

function deepWeights({ n_sites, local_dim, channels: r }) {
  let total = n_sites * r * local_dim + r;
  for (let places = n_sites / 2; places > 1; places /= 2) total += places * r * r;
  return BigInt(total);
}

// A network of one layer has a vector for each site and channel, and a weight for each channel.
const shallowWeights = ({ n_sites, local_dim }, width) => width * BigInt(n_sites * local_dim + 1);

function compare(state) {
  const width = neighbourRank(state), deep = deepWeights(state);
  return { width, deep, shallow: shallowWeights(state, width) };
}

function tell(state) {
  const { width, deep, shallow } = compare(state);
  const { n_sites, local_dim, channels } = state;
  const head = `${n_sites} sites, M = ${local_dim}, ${channels === 1 ? "1 channel" : `${channels} channels`} in each layer: the deep network has ${whole(deep)} weights.`;
  if (width === 1n) return `${head} It holds nothing between neighbours, so one channel in one layer may do as well.`;
  const cost = shallow > deep ? `${timesWords(shallow, deep)} as many`
    : shallow === deep ? "as many" : "fewer: so far depth saves nothing";
  return `${head} For almost all its weights, one layer needs at least ${whole(width)} channels for the same tensor, and ${whole(shallow)} weights, ${cost}.`;
}

// "3.2 times", of BigInts.
function timesWords(above, below) {
  const tenths = (above * 10n) / below;
  if (tenths >= 1000n) return `${whole(above / below)} times`;
  const shown = Number(tenths) / 10;
  return shown > 1 ? `${shown} times` : "just over once";
}

const log10 = (n) => {
  const digits = String(n);
  return Math.log10(Number(digits.slice(0, 15))) + Math.max(0, digits.length - 15);
};

function drawGrowth(state, width) {
  const rows = SITES.map((n_sites) => ({ n_sites, ...compare({ ...state, n_sites }) }));
  const top = 12, bottom = 216, left = 46, right = width - (width < 480 ? 14 : 96);
  // Beyond 10^20 the shallow curve only goes on upwards.
  const most = Math.min(20, Math.max(...rows.map((row) => log10(row.shallow)), ...rows.map((row) => log10(row.deep)))) || 1;
  const x = (k) => left + (right - left) * k / (SITES.length - 1);
  const y = (n) => bottom - (bottom - top) * Math.min(log10(n), most * 1.02) / most;
  const shown = (name) => rows.flatMap((row, k) => (log10(row[name]) <= most * 1.02 ? [[x(k), y(row[name])]] : []));
  const path = (name) => {
    const next = rows.findIndex((row) => log10(row[name]) > most * 1.02);
    const points = shown(name);
    if (next > 0) { // up to where it leaves the picture
      const [low, high] = [log10(rows[next - 1][name]), log10(rows[next][name])];
      const part = (most * 1.02 - low) / (high - low);
      points.push([x(next - 1) + part * (x(next) - x(next - 1)), top - 4]);
    }
    return points.map(([px, py], i) => `${i ? "L" : "M"}${px.toFixed(1)},${py.toFixed(1)}`).join("");
  };
  const here = SITES.indexOf(state.n_sites), ticks = [0, 5, 10, 15, 20].filter((t) => t <= most);
  const dots = (name, kind) => shown(name).map(([cx, cy]) => marker(kind, cx, cy));
  return svg("svg", { width, height: 262, role: "img", class: "curves",
    "aria-label": `Weights against the number of sites, on logarithmic scales. ${tell(state)}` },
  ticks.map((t) => [svg("line", { x1: left, x2: right, y1: y(10n ** BigInt(t)), y2: y(10n ** BigInt(t)), class: "grid" }),
    svg("text", { x: left - 6, y: y(10n ** BigInt(t)) + 4, "text-anchor": "end" }, t ? `10${superscript(t)}` : "1")]).flat(),
  SITES.map((n, k) => (k % 2 && width < 480 ? null : svg("text", { x: x(k), y: bottom + 20, "text-anchor": "middle" }, String(n)))),
  svg("text", { x: (left + right) / 2, y: bottom + 40, "text-anchor": "middle" }, "sites N"),
  svg("line", { x1: x(here), x2: x(here), y1: top, y2: bottom, class: "cursor" }),
  svg("path", { d: path("shallow"), class: "curve tip" }), svg("path", { d: path("deep"), class: "curve base" }),
  dots("shallow", "tip"), dots("deep", "base"));
}

const HOW = "Move N and see what each network costs: many layers, or one layer wide enough to hold the same correlations.";
const STATE = ["n_sites", "local_dim", "channels"];
const accepts = ({ n_sites, local_dim, channels }) =>
  SITES.includes(n_sites) && isWhole(local_dim, 1, 8) && isWhole(channels, 1, 16);

function render(context) {
  const { model } = context;
  const life = mount(context, "depth", draw, { how: HOW, state: STATE });
  const sites = slider({
    label: html("i", {}, "N"), name: "sites N", min: 0, max: SITES.length - 1, value: 0,
    format: (k) => String(SITES[k]), oninput: (k) => update(model, { n_sites: SITES[k] }),
  });
  const features = slider({
    label: html("i", {}, "M"), name: "features M", min: 1, max: 8, value: 2,
    oninput: (local_dim) => update(model, { local_dim }),
  });
  const channels = slider({
    label: html("i", {}, "r"), name: "channels r of every layer", min: 1, max: 16, value: 2,
    oninput: (r) => update(model, { channels: r }),
  });
  const chart = html("div"), words = html("p", { class: "words" });
  const weights = { deep: html("div"), width: html("div"), shallow: html("div", { class: "headline" }) };
  const fact = (name, value) => html("div", {}, html("div", { class: "quiet" }, name), value);
  life.root.append(html("div", { class: "bar" }, sites.row, features.row, channels.row),
    html("div", { class: "facts" }, fact("Many layers: weights", weights.deep),
      fact(term("One layer: channels", "At least the rank between the even and the odd sites: a layer of K channels has rank K at most."), weights.width),
      fact("One layer: weights", weights.shallow)),
    legendOf([[marker("base", 9, 7), "many layers (hierarchical Tucker)"], [marker("tip", 9, 7), "one layer (CP), at least"]]),
    chart, words, life.status);

  function draw(width) {
    const state = pickFrom(model, STATE), found = compare(state);
    sites.set(SITES.indexOf(state.n_sites));
    features.set(state.local_dim);
    channels.set(state.channels);
    weights.deep.textContent = whole(found.deep);
    weights.width.textContent = whole(found.width);
    weights.shallow.textContent = whole(found.shallow);
    chart.replaceChildren(drawGrowth(state, width));
    words.textContent = tell(state);
    life.say(words.textContent);
  }

  return life.stop;
}

export { compare, tell, accepts, SITES };
export default { render, accepts };
