// The results explorer: Fig. 10 of the paper, and our own runs of the same experiment.

const TASKS = ["local", "global"];
const MODELS = ["ConvNet", "ConvAC"];
const DESIGNS = [["base", "wide-base"], ["tip", "wide-tip"]];

// Python sends each curve point as [source, task, model, design, r, [test...], [train...]] with
// indices in the lists above, source 0 = paper and 1 = ours, accuracies in hundredths of a percent.
function readPoints(groups) {
  return groups.map(([source, task, model, design, r, test, train]) => ({
    ours: source === 1, task, model, design, r,
    test: summarise(test), train: summarise(train),
  }));
}

function summarise(accuracies) {
  const values = accuracies.map((a) => a / 100);
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
  const life = mount(context, "results", draw);
  const options = { train: false, runs: false, task: "both" };
  const points = readPoints(model.get("points"));
  const hasOurs = points.some((p) => p.ours);
  const widths = [...new Set(points.map((p) => p.r))].sort((a, b) => a - b);

  const check = (name, text) => {
    const input = html("input", { type: "checkbox", onchange: () => { options[name] = input.checked; life.redraw(); } });
    return html("label", { class: "check" }, input, text);
  };
  const tasks = segments({
    label: "Task", value: "both", options: [["both", "both tasks"], ["0", "local"], ["1", "global"]],
    onchange: (key) => { options.task = key; life.redraw(); },
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
    const toggle = button("", () => {
      const hidden = toggle.getAttribute("aria-pressed") === "true";
      toggle.setAttribute("aria-pressed", !hidden);
      if (hidden) off.add(`${design}/${ours}`);
      else off.delete(`${design}/${ours}`);
      life.redraw();
    }, { class: "key", "aria-pressed": "true" });
    toggle.append(sample, `${name}, ${ours ? "ours" : "paper"}`);
    return toggle;
  };
  const off = new Set();
  const legend = html("div", { class: "legend", role: "group", "aria-label": "Curves" },
    DESIGNS.map((_, design) => [key(design, false), hasOurs && key(design, true)]).flat());
  const panels = html("div");
  const readout = html("tbody");
  const head = html("tr");
  const words = html("p", { class: "words" });
  const source = html("p", { class: "quiet" }, [model.get("provenance"), model.get("left_out")].filter(Boolean).join(" "));
  life.root.append(
    html("div", { class: "bar" }, tasks.row, hasOurs && models.row, check("train", "training accuracy"),
      hasOurs && check("runs", "single runs"), cursor.row),
    legend, panels,
    html("table", { class: "readout" }, html("caption", { class: "spoken" }, "Test accuracies at the chosen r"),
      html("thead", {}, head), readout),
    words, source, life.status);

  function draw(width) {
    const chosen = MODELS.indexOf(model.get("model")), r = model.get("r");
    models.set(model.get("model"));
    cursor.set(Math.max(0, widths.indexOf(r)));
    // The paper trained ConvNets only; beside our ConvACs its curves stay as the reference.
    const known = points.filter((p) => !p.ours || p.model === chosen);
    const shown = known.filter((p) => !off.has(`${p.design}/${p.ours}`));
    const tasksShown = options.task === "both" ? [0, 1] : [Number(options.task)];
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
    words.textContent = conclusion(known, tasksShown, r, hasOurs ? MODELS[chosen] : "");
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

function conclusion(points, tasks, r, ourModel) {
  const sentences = tasks.flatMap((task) => {
    const leads = [false, true].flatMap((ours) => {
      const at = (design) => points.find((p) => p.ours === ours && p.task === task && p.design === design && p.r === r)?.test;
      const [base, tip] = [at(0), at(1)];
      if (!base || !tip) return [];
      const gap = base.mean - tip.mean, who = ours ? `in our ${ourModel}s` : "in the paper";
      return Math.abs(gap) < 0.05 ? `the designs are level ${who}`
        : `${gap > 0 ? "wide-base" : "wide-tip"} leads by ${percent(Math.abs(gap))} points ${who}`;
    });
    return leads.length ? [`${TASKS[task][0].toUpperCase()}${TASKS[task].slice(1)} task, r = ${r}: ${leads.join("; ")}.`] : [];
  });
  return sentences.join(" ") || `No pair of designs to compare at r = ${r}.`;
}

export { readPoints, summarise };
export default { render };
