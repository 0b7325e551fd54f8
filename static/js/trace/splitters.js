// Splitters: lines that set the width of a part of the page, which the browser remembers (theme.js applies it).
(() => {
  const root = document.documentElement, KEY = "splitters", STEP = 16;
  // The part that a splitter resizes: the names to its left, or the panel to its right.
  const parts = { names: [".axis > :first-child", 1, 140], panel: ["#panel", -1, 320] };
  const widths = () => { try { return JSON.parse(localStorage.getItem(KEY)) ?? {}; } catch { return {}; } };
  const store = (name, width) => {
    const all = widths();
    if (width) all[name] = width;
    else delete all[name];
    try { localStorage.setItem(KEY, JSON.stringify(all)); } catch { /* private window: for this page only */ }
    if (width) root.style.setProperty(`--${name}`, `${width}px`);
    else root.style.removeProperty(`--${name}`);
    for (const line of document.querySelectorAll(`[data-splitter=${name}]`)) line.setAttribute("aria-valuenow", width || measured(name));
  };
  const measured = (name) => Math.round(document.querySelector(parts[name][0]).getBoundingClientRect().width);
  const resize = (name, width) => {
    const [selector, , least] = parts[name];
    const most = document.querySelector(selector).parentElement.clientWidth - 320;
    store(name, Math.round(Math.max(least, Math.min(width, most))));
  };

  let drag = null;
  addEventListener("pointerdown", (event) => {
    const line = event.button === 0 ? event.target.closest?.("[data-splitter]") : null;
    if (!line) return;
    event.preventDefault();
    const name = line.dataset.splitter;
    drag = { name, from: event.clientX, width: measured(name) };
    line.focus();
  });
  addEventListener("pointermove", (event) => {
    if (drag) resize(drag.name, drag.width + (event.clientX - drag.from) * parts[drag.name][1]);
  });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (drag = null));
  addEventListener("dblclick", (event) => {
    const name = event.target.closest?.("[data-splitter]")?.dataset.splitter;
    if (name) store(name, 0);
  });
  addEventListener("keydown", (event) => {
    const name = event.target.closest?.("[data-splitter]")?.dataset.splitter;
    const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (!name || !by) return;
    resize(name, measured(name) + by * parts[name][1]);
    event.stopImmediatePropagation();
    event.preventDefault();
  }, true);
  for (const line of document.querySelectorAll("[data-splitter]")) line.setAttribute("aria-valuenow", measured(line.dataset.splitter));
})();
