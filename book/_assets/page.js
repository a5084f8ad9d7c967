// What a page does for its reader besides showing itself; without it nothing is lost.
(() => {
  const make = (tag, attributes, ...children) => {
    const node = Object.assign(document.createElement(tag), attributes);
    node.append(...children);
    return node;
  };
  document.querySelectorAll(".bd-sidebar-primary summary").forEach((fold) => {
    const page = fold.closest("li")?.querySelector("a");
    if (page) fold.setAttribute("aria-label", `Pages below: ${page.textContent.trim()}`);
  });
  const article = document.querySelector(".bd-article");
  if (!article) return;

  // --- one switch for all code: as the page has it, all of it, none -------------------------

  const MODES = { folded: "Plumbing folded", all: "All code", none: "No code" };
  const remembered = () => { try { return localStorage.getItem("convac-code"); } catch { return null; } };

  function setCode(mode) {
    document.documentElement.dataset.code = mode;
    article.querySelectorAll(".cell details.hide").forEach((fold) => {
      if (fold.querySelector(".cell_output, .output")) return;
      fold.open = mode === "all";
    });
    try { localStorage.setItem("convac-code", mode); } catch { /* a page that may store nothing */ }
  }

  const heading = article.querySelector("h1");
  if (heading && article.querySelector(".cell_input")) {
    const select = make("select", { id: "code-switch", onchange: () => setCode(select.value) },
      ...Object.entries(MODES).map(([value, text]) => make("option", { value, textContent: text })));
    select.value = remembered() in MODES ? remembered() : "folded";
    const label = make("label", { htmlFor: "code-switch", textContent: "Code " });
    heading.after(make("p", { className: "page-tools" }, label, select));
    if (select.value !== "folded") setCode(select.value);
  }

  // --- a formula that is too wide for its box can be reached and scrolled by the keyboard ---

  const marked = (box) => box.matches(".math, .formula");
  function more(box) {
    const left = box.scrollLeft > 1, right = box.scrollLeft + box.clientWidth < box.scrollWidth - 1;
    if (marked(box)) box.dataset.more = `${left ? "left" : ""} ${right ? "right" : ""}`.trim();
  }
  function reach(target) {
    const wide = target.scrollWidth > target.clientWidth + 1;
    target.toggleAttribute("tabindex", wide);
    delete target.dataset.more;
    if (!wide) return;
    target.tabIndex = 0;
    target.setAttribute("role", "group");
    target.setAttribute("aria-label", marked(target) ? "formula, scrolls sideways" : "scrolls sideways");
    target.onscroll = () => more(target);
    more(target);
  }
  const reachable = new ResizeObserver((entries) => entries.forEach(({ target }) => reach(target)));
  const boxes = article.querySelectorAll(".formula, .bd-article table, pre");
  boxes.forEach((box) => reachable.observe(box));
  // With the fonts of the formulas their width changes, and that of their boxes does not.
  const again = () => boxes.forEach(reach);
  document.fonts.ready.then(again);
  document.fonts.addEventListener("loadingdone", again);

  // In a line a formula breaks after its relations; what is still too wide gets a box that scrolls.
  const inLines = [...article.querySelectorAll("span.math")];
  let last = 0;
  new ResizeObserver(() => {
    if (article.clientWidth === last) return;
    last = article.clientWidth;
    const room = inLines.map((one) => one.parentElement.closest("p, li, dd, dt, td, th, figcaption, summary, div")?.clientWidth || Infinity);
    const wide = inLines.map((one, k) => [...one.querySelectorAll(".base")].some((base) => base.offsetWidth > room[k]));
    inLines.forEach((one, k) => {
      one.classList.toggle("wide", wide[k]);
      if (wide[k]) reachable.observe(one);
    });
  }).observe(article);

  // --- a figure can be looked at in its own size ---------------------------------------------

  const frame = make("dialog", { className: "enlarged" });
  frame.setAttribute("aria-label", "Figure");
  const close = make("button", { type: "button", textContent: "close", onclick: () => frame.close() });
  frame.addEventListener("click", (event) => { if (event.target === frame) frame.close(); });
  document.body.append(frame);
  article.querySelectorAll("figure img, .cell_output img").forEach((image) => {
    const open = () => {
      const copy = make("img", { src: image.currentSrc || image.src, alt: image.alt, className: image.className });
      frame.replaceChildren(close, make("div", { className: "canvas" }, copy));
      frame.showModal();
    };
    image.classList.add("enlarges");
    image.addEventListener("click", open);
    const button = make("button", { type: "button", className: "enlarge", textContent: "enlarge", onclick: open });
    image.closest("picture, img").after(button);
  });

  // --- on paper everything is open -----------------------------------------------------------

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...article.querySelectorAll("details:not([open])")];
    opened.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));
})();
