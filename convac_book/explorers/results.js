// The results explorer: Fig. 10 of the paper, and our own runs of the same experiment.

const TASKS = ["local", "global"];
const MODELS = ["ConvNet", "ConvAC"];
const DESIGNS = [["base", "wide-base"], ["tip", "wide-tip"]];

// Python sends each curve point as [source, task, model, design, r, [test...], [train...]] with
// indices in the lists above, source 0 = paper and 1 = ours, accuracies in hundredths of a percent.
// Runs below `lostBelow` are lost: they are left out unless they are asked for.
function readPoints(groups, lostBelow, countLost) {
  return groups.map(([source, task, model, design, r, test, train]) => {
    const kept = test.map((a) => countLost || a >= lostBelow);
    return {
      ours: source === 1, task, model, design, r, lost: test.filter((a) => a < lostBelow).length,
      test: summarise(test.filter((_, i) => kept[i])),
      train: summarise(train.filter((_, i) => kept[i])),
    };
  });
}

function summarise(accuracies) {
  const values = accuracies.filter((a) => a != null).map((a) => a / 100);
  if (!values.length) return null;
  const mean = values.reduce((sum, a) => sum + a, 0) / values.length;
  return { mean, low: Math.min(...values), high: Math.max(...values), values };
}

const percent = (x) => x.toFixed(1);

// --- pictures ---------------------------------------------------------------------------

function drawPanel(points, view, width) {
  const height = Math.min(300, Math.max(220, width * 0.7));
  const box = { left: 30, right: width - 10, top: 10, bottom: height - 40 };
  const [low, high] = view.range, [first, last] = view.span;
  const x = (r) => box.left + 10 + (box.right - box.left - 20) * (r - first) / (last - first || 1);
  const y = (a) => box.bottom - (box.bottom - box.top) * (a - low) / (high - low);
  const ticks = Array.from({ length: Math.floor((high - low) / 10) + 1 }, (_, i) => low + 10 * i);
  const shapes = [];
  for (const [design, [kind]] of DESIGNS.entries()) {
    for (const ours of [false, true]) {
      const curve = points.filter((p) => p.ours === ours && p.design === design).sort((a, b) => a.r - b.r);
      if (view.train) shapes.push(trace(curve.filter((p) => p.train), (p) => y(p.train.mean), x, `${kind} train`));
      shapes.push(...drawCurve(curve.filter((p) => p.test), { kind, ours, x, y, runs: view.runs }));
    }
  }
  return svg("svg", { width, height, role: "img", class: "curves", "aria-label": panelWords(points, view) },
    ticks.map((a) => [svg("line", { x1: box.left, x2: box.right, y1: y(a), y2: y(a), class: "grid" }),
      svg("text", { x: box.left - 6, y: y(a) + 4, "text-anchor": "end" }, String(a))]).flat(),
    view.widths.map((r) => svg("text", { x: x(r), y: box.bottom + 18, "text-anchor": "middle" }, String(r))),
    svg("text", { x: (box.left + box.right) / 2, y: height - 4, "text-anchor": "middle" }, "r"),
    svg("line", { x1: x(view.r), x2: x(view.r), y1: box.top, y2: box.bottom, class: "cursor" }),
    shapes);
}

function trace(curve, y, x, kind) {
  return svg("path", { class: `curve ${kind}`,
    d: curve.map((p, i) => `${i ? "L" : "M"}${x(p.r).toFixed(1)},${y(p).toFixed(1)}`).join("") });
}

// The paper: a thin line with hollow marks. Ours: a thick line, full marks, and a band from
// the lowest to the highest seed.
function drawCurve(curve, { kind, ours, x, y, runs }) {
  const drawn = [];
  if (ours && curve.length) {
    const up = curve.map((p) => `${x(p.r).toFixed(1)},${y(p.test.high).toFixed(1)}`);
    const down = curve.map((p) => `${x(p.r).toFixed(1)},${y(p.test.low).toFixed(1)}`).reverse();
    drawn.push(svg("path", { class: `band ${kind}`, d: `M${[...up, ...down].join("L")}Z` }));
  }
  drawn.push(trace(curve, (p) => y(p.test.mean), x, `${kind} ${ours ? "ours" : "paper"}`));
  if (runs && ours) {
    drawn.push(...curve.flatMap((p) => p.test.values.map((a, i) =>
      svg("circle", { cx: x(p.r) + 3 * (i - (p.test.values.length - 1) / 2), cy: y(a), r: 2.4, class: `run ${kind}` }))));
  }
  drawn.push(...curve.map((p) => curveMark(kind, ours, x(p.r), y(p.test.mean))));
  return drawn;
}

function curveMark(kind, ours, x, y) {
  const mark = marker(kind, x, y, ours ? 5 : 4);
  if (!ours) mark.classList.add("hollow");
  return mark;
}

function panelWords(points, view) {
  const here = points.filter((p) => p.r === view.r && p.test);
  const said = here.map((p) => `${p.ours ? "ours" : "paper"} ${DESIGNS[p.design][1]} ${percent(p.test.mean)}`);
  return `Test accuracy in percent against r; at r = ${view.r}: ${said.join(", ") || "no points"}`;
}

// --- the explorer -----------------------------------------------------------------------

function render(context) {
  const { model } = context;
  const life = mount(context, "results", draw, { how: HOW, state: STATE });
  const hasOurs = model.get("points").some(([source]) => source === 1);
  const hasLost = model.get("points").some(([, , , , , test]) => test.some((a) => a < model.get("lost_below")));
  const widths = [...new Set(model.get("points").map(([, , , , r]) => r))].sort((a, b) => a - b);

  const checks = {};
  const check = (name, text) => {
    checks[name] = html("input", { type: "checkbox", onchange: () => update(model, { [name]: checks[name].checked }) });
    return html("label", { class: "check" }, checks[name], text);
  };
  const tasks = segments({
    label: "Task", value: model.get("task"), options: [["both", "both tasks"], ...TASKS.map((name) => [name, name])],
    onchange: (key) => update(model, { task: key }),
  });
  const models = segments({
    label: "Model", value: model.get("model"), options: MODELS.map((name) => [name, name]),
    onchange: (name) => update(model, { model: name }),
  });
  const cursor = slider({
    label: html("i", {}, "r"), name: "width r", min: 0, max: widths.length - 1, value: 0,
    format: (i) => String(widths[i] ?? ""), oninput: (i) => update(model, { r: widths[i] }),
  });
  // The legend is also where a curve is taken away and put back.
  const key = (design, ours) => {
    const [kind, name] = DESIGNS[design], line = `curve ${ours ? "ours" : "paper"} ${kind}`;
    const sample = svg("svg", { width: 26, height: 14, "aria-hidden": "true" },
      svg("line", { x1: 0, x2: 26, y1: 7, y2: 7, class: line }), curveMark(kind, ours, 13, 7));
    const id = curveName(design, ours);
    const toggle = button("", () => {
      const hidden = model.get("hidden");
      update(model, { hidden: hidden.includes(id) ? hidden.filter((one) => one !== id) : [...hidden, id] });
    }, { class: "key", "data-curve": id });
    toggle.append(sample, `${name}, ${ours ? "ours" : "paper"}`);
    return toggle;
  };
  const legend = html("div", { class: "legend", role: "group", "aria-label": "Curves, to take away and put back" },
    DESIGNS.map((_, design) => [key(design, false), hasOurs && key(design, true)]).flat(),
    hasOurs && html("span", {}, svg("svg", { width: 18, height: 14, "aria-hidden": "true" },
      svg("rect", { x: 0, y: 0, width: 18, height: 14, class: "band base" })), "from the lowest to the highest seed"));
  const panels = html("div");
  const readout = html("tbody");
  const head = html("tr");
  const words = html("p", { class: "words" });
  const source = html("details", { class: "quiet" }, html("summary", {}, "Where the numbers come from"),
    html("p", {}, [model.get("provenance"), model.get("left_out")].filter(Boolean).join(" ")));
  life.root.append(
    html("div", { class: "bar" }, tasks.row, hasOurs && models.row, check("train", "training accuracy"),
      hasOurs && check("runs", "single runs"),
      hasLost && check("count_lost", term("count lost runs", "A run whose test accuracy stays below 15 % has learnt nothing, with ten classes. Such runs are left out, as in the page's tables, unless you count them.")), cursor.row),
    legend, panels,
    html("table", { class: "readout" }, html("caption", { class: "spoken" }, "Test accuracies at the chosen r"),
      html("thead", {}, head), readout),
    words, source, life.status);

  function draw(width) {
    const options = pickFrom(model, STATE), r = options.r;
    const chosen = MODELS.indexOf(options.model);
    const points = readPoints(model.get("points"), model.get("lost_below"), options.count_lost);
    models.set(options.model);
    tasks.set(options.task);
    for (const [name, input] of Object.entries(checks)) input.checked = options[name];
    for (const one of legend.querySelectorAll("[data-curve]")) {
      one.setAttribute("aria-pressed", !options.hidden.includes(one.dataset.curve));
    }
    cursor.set(Math.max(0, widths.indexOf(r)));
    // The paper trained ConvNets only; beside our ConvACs its curves stay as the reference.
    const known = points.filter((p) => !p.ours || p.model === chosen);
    const shown = known.filter((p) => !options.hidden.includes(curveName(p.design, p.ours)));
    const tasksShown = tasksOf(options.task);
    const two = tasksShown.length === 2 && width >= 560;
    const all = known.flatMap((p) => [p.test, options.train && p.train]).filter(Boolean);
    const view = {
      ...options, r, widths, span: [widths[0], widths.at(-1)],
      range: [Math.floor(Math.min(100, ...all.map((a) => a.low)) / 10) * 10, Math.ceil(Math.max(0, ...all.map((a) => a.high)) / 10) * 10],
    };
    panels.className = two ? "panels two" : "panels";
    const panelWidth = two ? (width - 26) / 2 : Math.min(width, 560);
    panels.replaceChildren(...tasksShown.map((task) => html("div", { class: "panel" },
      html("p", { class: "title" }, `${TASKS[task]} task `, html("span", { class: "quiet" }, "test accuracy, %")),
      drawPanel(shown.filter((p) => p.task === task), view, panelWidth))));
    fillReadout(known, tasksShown, r);
    words.textContent = tell({ ...options, points: model.get("points"), gaps: model.get("gaps"), lost_below: model.get("lost_below") });
    life.say(words.textContent);
  }

  function fillReadout(known, tasksShown, r) {
    head.replaceChildren(...["task", "design", "paper", hasOurs && "ours", hasOurs && "range (seeds)"].filter(Boolean)
      .map((name) => html("th", { scope: "col" }, name)));
    readout.replaceChildren(...tasksShown.flatMap((task) => DESIGNS.map(([, name], design) => {
      const find = (ours) => known.find((p) => p.ours === ours && p.task === task && p.design === design && p.r === r)?.test;
      const [paper, ours] = [find(false), find(true)];
      const cells = [TASKS[task], name, paper ? percent(paper.mean) : "–"];
      if (hasOurs) {
        cells.push(ours ? percent(ours.mean) : "–",
          ours ? `${percent(ours.low)}–${percent(ours.high)} (${ours.values.length})` : "no run yet");
      }
      return html("tr", {}, cells.map((text) => html("td", {}, text)));
    })));
  }

  return life.stop;
}

const HOW = "Move r, the width of the networks, and read off how far one design is ahead of the other. Press a name in the legend to take its curve away.";
const STATE = ["model", "r", "task", "train", "runs", "count_lost", "hidden"];
const curveName = (design, ours) => `${DESIGNS[design][1]}-${ours ? "ours" : "paper"}`;
const tasksOf = (task) => (task === "both" ? [0, 1] : [TASKS.indexOf(task)]);

function accepts({ model, r, task, hidden, points }) {
  const names = DESIGNS.flatMap((_, design) => [curveName(design, false), curveName(design, true)]);
  return MODELS.includes(model) && ["both", ...TASKS].includes(task) &&
    hidden.every((name) => names.includes(name)) && points.some((point) => point[4] === r);
}

// "2.3", "−0.04": a tenth of a point, more digits only where that would read as none.
function inPoints(x) {
  const shown = Math.abs(x) >= 0.05 || x === 0 ? x.toFixed(1) : x.toPrecision(1);
  return shown.replace("-", "−");
}

// A lead is one where its 95 % interval leaves out zero; one training each has no interval.
function leadWords(gap, half, who) {
  const ahead = gap > 0 ? "wide-base" : "wide-tip", size = inPoints(Math.abs(gap));
  if (gap === 0 && !half) return `the designs are level ${who}`;
  if (half === null) return `${ahead} leads by ${size} points ${who}, without an interval`;
  const interval = `95 % from ${inPoints(Math.abs(gap) - half)} to ${inPoints(Math.abs(gap) + half)}`;
  return Math.abs(gap) > half ? `${ahead} leads by ${size} points ${who} (${interval})`
    : `${who} no order shows: ${ahead} is ${size} points ahead in the mean (${interval})`;
}

// The sentence below the table, from the traits alone.
function tell({ task, model, r, count_lost, points, gaps, lost_below }) {
  const chosen = MODELS.indexOf(model);
  const sentences = tasksOf(task).flatMap((t) => {
    const leads = [0, 1].flatMap((source) => {
      const found = gaps.find(([s, inTask, m, width, counted]) => s === source && inTask === t &&
        (source === 0 || m === chosen) && width === r && counted === Number(count_lost));
      return found ? [leadWords(found[5], source ? found[6] : null, source ? `in our ${model}s` : "in the paper")] : [];
    });
    const lost = points.filter(([source, inTask, m, , width]) => source === 1 && inTask === t && m === chosen && width === r)
      .flatMap(([, , , , , test]) => test.filter((a) => a < lost_below)).length;
    const note = lost ? ` ${sentenceCase(plural(lost, "lost run"))} ${lost === 1 ? "is" : "are"} ${count_lost ? "counted" : "left out"}.` : "";
    return leads.length ? [`${sentenceCase(TASKS[t])} task, r = ${r}: ${leads.join("; ")}.${note}`] : [];
  });
  return sentences.join(" ") || `No pair of designs to compare at r = ${r}.`;
}

export { readPoints, summarise, tell, accepts, leadWords };
export default { render, accepts };
