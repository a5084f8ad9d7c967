// The contraction explorer: a small network, contracted pair by pair as the reader likes.
//
// A diagram is { tensors: [[name, x, y], ...], bonds: [[i, j, kind], ...], open: [[i, kind], ...] };
// a leg's kind is "D", a bond, or "d", a site. After a step the product has the next free number.

const DIAGRAMS = {
  ladder: {
    label: "two states, 4 sites",
    tensors: [["A", 0, 0], ["B", 1, 0], ["C", 2, 0], ["D", 3, 0], ["E", 0, 1], ["F", 1, 1], ["G", 2, 1], ["H", 3, 1]],
    bonds: [[0, 1, "D"], [1, 2, "D"], [2, 3, "D"], [4, 5, "D"], [5, 6, "D"], [6, 7, "D"],
      [0, 4, "d"], [1, 5, "d"], [2, 6, "d"], [3, 7, "d"]],
    open: [],
  },
  chain: {
    label: "matrices and a vector",
    tensors: [["A", 0, 0.5], ["B", 1, 0.5], ["C", 2, 0.5], ["E", 3, 0.5], ["v", 4, 0.5]],
    bonds: [[0, 1, "D"], [1, 2, "D"], [2, 3, "D"], [3, 4, "D"]],
    open: [[0, "D"]],
  },
  tree: {
    label: "a tree and its inputs",
    tensors: [["T", 1.5, 0], ["L", 0.5, 0.6], ["R", 2.5, 0.6], ["a", 0, 1.3], ["b", 1, 1.3], ["c", 2, 1.3], ["e", 3, 1.3]],
    bonds: [[0, 1, "D"], [0, 2, "D"], [1, 3, "d"], [1, 4, "d"], [2, 5, "d"], [2, 6, "d"]],
    open: [],
  },
};

// Each tensor as the list of its legs; a leg is { id, size }.
function legsOf({ diagram, bond, site }) {
  const { tensors, bonds, open } = DIAGRAMS[diagram], size = { D: bond, d: site };
  const legs = tensors.map(() => []);
  bonds.forEach(([i, j, kind], id) => { for (const k of [i, j]) legs[k].push({ id, size: size[kind] }); });
  open.forEach(([i, kind], n) => legs[i].push({ id: bonds.length + n, size: size[kind] }));
  return legs;
}

const volume = (legs) => legs.reduce((product, { size }) => product * size, 1);

// Legs that both have are summed; the cost is one multiplication for every value of all legs.
function join(a, b) {
  const shared = a.filter(({ id }) => b.some((leg) => leg.id === id));
  const kept = [...a, ...b].filter(({ id }) => !shared.some((leg) => leg.id === id));
  return { legs: kept, cost: volume(kept) * volume(shared) };
}

// Carry out some steps, [i, j, i, j, ...]: what is there afterwards, and what it took.
function contract(state, steps) {
  const all = legsOf(state), alive = new Set(all.keys()), told = [];
  const held = () => [...alive].reduce((sum, i) => sum + volume(all[i]), 0);
  let peak = held(), cost = 0;
  for (let k = 0; k + 1 < steps.length; k += 2) {
    const [i, j] = [steps[k], steps[k + 1]], made = join(all[i], all[j]);
    peak = Math.max(peak, held() + volume(made.legs)); // both factors and the product
    cost += made.cost;
    all.push(made.legs);
    alive.delete(i);
    alive.delete(j);
    alive.add(all.length - 1);
    told.push({ pair: [i, j], cost: made.cost, entries: volume(made.legs) });
  }
  return { all, alive: [...alive], cost, peak, told };
}

// The cheapest order of all, over every way to split every set of tensors in two.
function bestOrder(state) {
  const legs = legsOf(state), n = legs.length, best = new Map();
  const outside = (set) => { // the legs that lead out of a set
    const count = new Map();
    for (let i = 0; i < n; i++) if (set >> i & 1) legs[i].forEach((leg) => count.set(leg.id, [(count.get(leg.id)?.[0] ?? 0) + 1, leg]));
    return [...count.values()].filter(([times]) => times === 1).map(([, leg]) => leg);
  };
  const boundary = Array.from({ length: 2 ** n }, (_, set) => outside(set));
  const solve = (set) => {
    if (best.has(set)) return best.get(set);
    let found = { cost: Infinity };
    if ((set & (set - 1)) === 0) found = { cost: 0 };
    else {
      const first = set & -set;
      for (let part = (set - 1) & set; part; part = (part - 1) & set) {
        if (!(part & first)) continue; // each split once
        const cost = join(boundary[part], boundary[set ^ part]).cost + solve(part).cost + solve(set ^ part).cost;
        if (cost < found.cost) found = { cost, part };
      }
    }
    best.set(set, found);
    return found;
  };
  solve(2 ** n - 1);
  const steps = [];
  let next = n;
  const emit = (set) => {
    if ((set & (set - 1)) === 0) return Math.log2(set);
    const { part } = best.get(set), pair = [emit(part), emit(set ^ part)];
    steps.push(...pair);
    return next++;
  };
  emit(2 ** n - 1);
  return steps;
}

// Whether steps name tensors that are there when their turn comes.
function possible(state, steps) {
  const n = DIAGRAMS[state.diagram].tensors.length, alive = new Set(Array(n).keys());
  if (steps.length % 2 || steps.length > 2 * (n - 1)) return false;
  for (let k = 0; k < steps.length; k += 2) {
    const [i, j] = [steps[k], steps[k + 1]];
    if (i === j || !alive.has(i) || !alive.has(j)) return false;
    alive.delete(i);
    alive.delete(j);
    alive.add(n + k / 2);
  }
  return true;
}

const accepts = (state) => Object.hasOwn(DIAGRAMS, state.diagram) && isWhole(state.bond, 1, 32) &&
  isWhole(state.site, 1, 8) && possible(state, state.steps);

const several = (n, one) => (n === 1 ? `1 ${one}` : `${whole(n)} ${one}s`);

function tell(state) {
  const { cost, peak, alive } = contract(state, state.steps), best = contract(state, bestOrder(state));
  const least = `The best order of all takes ${several(best.cost, "multiplication")} and holds ${several(best.peak, "number")} at its peak.`;
  if (!state.steps.length) return least;
  const mine = `${several(cost, "multiplication")}, ${several(peak, "number")} at the peak`;
  if (alive.length > 1) return `So far ${mine}, with ${alive.length} tensors left. ${least}`;
  if (cost === best.cost) return `Done with ${mine}: no order takes fewer multiplications.`;
  return `Done with ${mine}: ${timesMore(cost, best.cost)} the multiplications of the best order, ${whole(best.cost)}, which holds ${whole(best.peak)} at its peak.`;
}

function timesMore(mine, best) {
  const shown = Number((mine / best).toPrecision(3));
  return shown > 1 ? `${shown} times` : "a little more than";
}

const HOW = "Press two tensors to contract them. Each step multiplies and adds over the bonds between the two. In which order is it cheapest?";
const STATE = ["diagram", "bond", "site", "steps"];

// Where a tensor stands, and its name: a product stands amid its parts.
function placesOf(state) {
  const { tensors } = DIAGRAMS[state.diagram];
  const places = tensors.map(([name, x, y]) => ({ name, x, y, parts: 1 }));
  for (let k = 0; k < state.steps.length; k += 2) {
    const [a, b] = [places[state.steps[k]], places[state.steps[k + 1]]], parts = a.parts + b.parts;
    places.push({ name: a.name + b.name, parts,
      x: (a.x * a.parts + b.x * b.parts) / parts, y: (a.y * a.parts + b.y * b.parts) / parts });
  }
  return places;
}

function render(context) {
  const { model } = context;
  const life = mount(context, "contraction", draw, { how: HOW, state: STATE });
  let selected = null, focus = null;
  const kinds = choice({
    label: "Diagram", options: Object.entries(DIAGRAMS).map(([key, { label }]) => [key, label]), value: model.get("diagram"),
    onchange: (diagram) => { selected = null; update(model, { diagram, steps: [] }); },
  });
  const bond = slider({ label: html("i", {}, "D"), name: "bond dimension D", min: 1, max: 32, value: 2,
    oninput: (now) => update(model, { bond: now }) });
  const site = slider({ label: html("i", {}, "d"), name: "dimension d of a site", min: 1, max: 8, value: 2,
    oninput: (now) => update(model, { site: now }) });
  const undo = button("undo", () => { selected = null; update(model, { steps: model.get("steps").slice(0, -2) }); });
  const again = button("start again", () => { selected = null; update(model, { steps: [] }); });
  const show = button("show the best", () => { selected = null; update(model, { steps: bestOrder(pickFrom(model, STATE)) }); });
  const drawing = html("div"), body = html("tbody"), words = html("p", { class: "words" });
  const table = html("table", { class: "steps" }, html("caption", { class: "spoken" }, "The steps so far"),
    html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "step"),
      html("th", { scope: "col" }, term("multiplications", "The product of the sizes of all legs of the two tensors, each leg counted once.")),
      html("th", { scope: "col" }, term("numbers kept", "The entries of the tensor that the step makes.")))), body);
  life.root.append(html("div", { class: "bar" }, kinds.row, bond.row, site.row, undo, again, show),
    drawing, legendOf([
      [svg("line", { x1: 0, x2: 18, y1: 7, y2: 7, class: "bond" }), "a bond, with its size: summed when its ends are contracted"]]),
    table, words, life.status);

  function press(i) {
    if (selected === null) { selected = i; life.redraw(); return; }
    const first = selected;
    selected = null;
    if (first === i) { life.redraw(); return; }
    const steps = [...model.get("steps"), first, i];
    focus = DIAGRAMS[model.get("diagram")].tensors.length + steps.length / 2 - 1;
    update(model, { steps });
  }

  function draw(width) {
    const state = pickFrom(model, STATE), { all, alive, told } = contract(state, state.steps);
    const places = placesOf(state);
    kinds.select.value = state.diagram;
    bond.set(state.bond);
    site.set(state.site);
    undo.disabled = again.disabled = !state.steps.length;
    drawing.replaceChildren(drawDiagram(state, all, alive, places, width));
    body.replaceChildren(...told.map(({ pair: [i, j], cost, entries }) => html("tr", {},
      html("th", { scope: "row" }, `${places[i].name} · ${places[j].name}`), html("td", {}, whole(cost)), html("td", {}, whole(entries)))));
    table.hidden = !told.length;
    words.textContent = tell(state);
    life.say(words.textContent);
    if (focus !== null) drawing.querySelector(`[data-tensor="${focus}"]`)?.focus({ preventScroll: true });
    focus = null;
  }

  function drawDiagram(state, all, alive, places, width) {
    const shown = Math.min(width, 560), wide = Math.max(...DIAGRAMS[state.diagram].tensors.map(([, x]) => x));
    const step = (shown - 110) / wide, at = (i) => ({ x: 55 + places[i].x * step, y: 34 + places[i].y * 96 });
    const lines = [];
    alive.forEach((i, n) => {
      alive.slice(n + 1).forEach((j) => {
        const shared = all[i].filter(({ id }) => all[j].some((leg) => leg.id === id));
        if (!shared.length) return;
        const [p, q] = [at(i), at(j)], size = volume(shared);
        lines.push(svg("line", { x1: p.x, y1: p.y, x2: q.x, y2: q.y, class: "bond" }),
          svg("text", { x: (p.x + q.x) / 2 + 5, y: (p.y + q.y) / 2 - 6 }, whole(size)));
      });
      all[i].filter(({ id }) => alive.every((j) => j === i || all[j].every((leg) => leg.id !== id))).forEach(({ size }) => {
        const p = at(i);
        lines.unshift(svg("line", { x1: p.x, y1: p.y, x2: p.x - 40, y2: p.y, class: "bond" }),
          svg("text", { x: p.x - 46, y: p.y - 8 }, whole(size)));
      });
    });
    const tensors = alive.map((i) => {
      const p = at(i), press_ = () => press(i), sizes = all[i].map(({ size }) => size).join(" by ") || "a number";
      return svg("g", { class: "tensor", tabindex: 0, role: "button", "data-tensor": i, "aria-pressed": String(selected === i),
        "aria-label": `${places[i].name}, ${sizes}`, onclick: press_,
        onkeydown: (event) => { if ([" ", "Enter"].includes(event.key)) { event.preventDefault(); focus = i; press_(); } } },
      svg("circle", { cx: p.x, cy: p.y, r: 14 + 3 * Math.min(4, places[i].parts) }),
      svg("text", { x: p.x, y: p.y + 5 }, places[i].name.length > 4 ? `${places[i].name.slice(0, 3)}…` : places[i].name));
    });
    return svg("svg", { width: shown, height: state.diagram === "tree" ? 200 : 170, role: "group",
      "aria-label": `${plural(alive.length, "tensor")} and their bonds` }, lines, tensors);
  }

  return life.stop;
}

export { contract, bestOrder, tell, accepts, possible, DIAGRAMS };
export default { render, accepts };
