// The search page: sections that hold all words, or, if there is none, some of them, each with a
// line around the first word found. The texts are a script (search-text.js), so that a page opened
// from a folder can read them.
(() => {
  const sections = window.convacSections;
  const results = document.getElementById("search-results");
  const status = document.getElementById("search-status");
  const field = document.querySelector(".bd-search-container input[name=q]");
  const query = new URLSearchParams(location.search).get("q")?.trim() ?? "";
  if (field) { field.value = query; field.focus(); }
  if (!query) return;

  const index = new window.MiniSearch({
    fields: ["heading", "title", "text"],
    searchOptions: { boost: { heading: 4, title: 2 }, prefix: (word) => word.length > 2, fuzzy: (word) => (word.length > 4 ? 0.15 : 0) },
  });
  index.addAll(sections.map((section, id) => ({ ...section, id })));
  let found = index.search(query, { combineWith: "AND" });
  const all = found.length > 0;
  if (!all) found = index.search(query);

  const upTo = (text, most) => (text.length <= most ? text : `${text.slice(0, text.lastIndexOf(" ", most))} …`);

  // A line around the first of the words, every one of them marked.
  function line({ text }, terms) {
    const words = new RegExp(terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "gi");
    const first = Math.max(0, text.search(words));
    const start = first < 90 ? 0 : text.lastIndexOf(" ", first - 70) + 1;
    const part = `${start ? "… " : ""}${upTo(text.slice(start), 220)}`;
    const out = document.createElement("p");
    let at = 0;
    for (const match of part.matchAll(words)) {
      out.append(part.slice(at, match.index), Object.assign(document.createElement("mark"), { textContent: match[0] }));
      at = match.index + match[0].length;
    }
    out.append(part.slice(at));
    return out;
  }

  const plural = found.length === 1 ? "1 section" : `${found.length} sections`;
  status.textContent = !found.length ? `Nothing was found for “${query}”.`
    : all ? `${plural} for “${query}”.` : `No section has all words; ${plural} with some of “${query}”.`;
  results.append(...found.slice(0, 40).map(({ id, terms }) => {
    const section = sections[id];
    const link = document.createElement("a");
    link.href = `${section.page}.html${section.anchor ? `#${section.anchor}` : ""}`;
    link.textContent = section.heading === section.title ? section.title : `${section.title} › ${section.heading}`;
    const item = document.createElement("li");
    item.append(link, line(section, terms));
    return item;
  }));
})();
