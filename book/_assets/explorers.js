// Brings the explorers of a built page to life: no kernel, no widget manager, no network.
//
// A page holds each explorer as <div class="explorer" id="explorer-cut" data-kind="cut"> with
// its traits as JSON and a still picture. When one comes near the window, its script is loaded
// from beside this file and takes the picture's place. What the reader changes is written into
// the address, so that it survives a reload and can be linked; nothing is stored.
(() => {
  const here = document.currentScript.src.replace(/[^/]*$/, "");
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  // As much of anywidget's model as the explorers use.
  function makeModel(traits) {
    const values = { ...traits }, listeners = new Set();
    return {
      get: (name) => values[name],
      set(changed) {
        if (Object.entries(changed).every(([name, value]) => same(values[name], value))) return;
        Object.assign(values, structuredClone(changed));
        listeners.forEach((listener) => listener());
      },
      save_changes() {},
      on(_, listener) { listeners.add(listener); },
      off(_, listener) { listeners.delete(listener); },
    };
  }

  // --- the address: ?cut.channels=4_2_2&cut.partition=ABABABAB ------------------------------

  const write = (value) => (Array.isArray(value) ? value.join("_") : String(value));

  // Returns undefined for what is not of the same kind as the trait's value on the page.
  function read(words, like) {
    if (Array.isArray(like)) {
      const parts = words === "" ? [] : words.split("_");
      return parts.map((part) => (Number.isFinite(Number(part)) && part !== "" ? Number(part) : part));
    }
    if (typeof like === "boolean") return { true: true, false: false }[words];
    if (typeof like !== "number") return words;
    return words !== "" && Number.isFinite(Number(words)) ? Number(words) : undefined;
  }

  function fromAddress(id, initial, accepts) {
    const found = {};
    for (const [key, words] of new URLSearchParams(location.search)) {
      const [owner, name] = key.split(".");
      if (owner !== id || !Object.hasOwn(initial, name)) continue;
      const value = read(words, initial[name]);
      if (value !== undefined) found[name] = value;
    }
    try {
      return accepts({ ...initial, ...found }) ? found : {};
    } catch {
      return {}; // a link that was typed or cut off
    }
  }

  function changed(id, initial, values) {
    return Object.entries(values).filter(([name, value]) => !same(value, initial[name]))
      .map(([name, value]) => [`${id}.${name}`, write(value)]);
  }

  function toAddress(id, pairs) {
    const address = new URL(location.href);
    for (const key of [...address.searchParams.keys()]) {
      if (key.startsWith(`${id}.`)) address.searchParams.delete(key);
    }
    pairs.forEach(([key, words]) => address.searchParams.set(key, words));
    if (address.href !== location.href) history.replaceState(null, "", address);
  }

  function linkTo(box, pairs) {
    const address = new URL(location.href);
    address.search = new URLSearchParams(pairs);
    address.hash = box.id;
    return address.href;
  }

  // --- one explorer -------------------------------------------------------------------------

  const scripts = new Map();
  function load(kind) {
    if (!scripts.has(kind)) {
      scripts.set(kind, new Promise((done, failed) => {
        const script = document.createElement("script");
        script.src = `${here}explorers/${kind}.js`;
        script.onload = done;
        script.onerror = failed;
        document.head.append(script);
      }));
    }
    return scripts.get(kind);
  }

  async function start(box) {
    if (box.dataset.started) return;
    box.dataset.started = "yes";
    await load(box.dataset.kind);
    const { render, accepts } = window.convacExplorers[box.dataset.kind];
    const initial = JSON.parse(box.querySelector("script").textContent);
    const id = box.id.replace(/^explorer-/, "");
    const model = makeModel({ ...initial, ...fromAddress(id, initial, accepts ?? (() => false)) });
    const names = Object.keys(initial).filter((name) => typeof initial[name] !== "object" || Array.isArray(initial[name]));
    const values = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
    // A drag changes the state many times a second; browsers count calls to the history.
    let timer = 0;
    model.on("change", () => {
      clearTimeout(timer);
      timer = setTimeout(() => toAddress(id, changed(id, initial, values())), 150);
    });
    const link = (state) => linkTo(box, changed(id, initial, state));
    const live = document.createElement("div");
    render({ model, el: live, link, initial });
    box.querySelector(".still").replaceWith(live);
  }

  const near = new IntersectionObserver((entries) => {
    entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => {
      near.unobserve(target);
      start(target);
    });
  }, { rootMargin: "300px" });

  const boxes = [...document.querySelectorAll(".explorer[data-kind]")];
  boxes.forEach((box) => near.observe(box));
  // A link to an explorer leads to it once it has its size.
  const wanted = document.getElementById(location.hash.slice(1));
  if (boxes.includes(wanted)) start(wanted).then(() => wanted.scrollIntoView());
})();
