// Updates the page of a trace: polls for changes, and requests the rows that are in view or near.
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const FAST = 700, STEADY = 1500, SLOWEST = 15000, SECOND = 1000;
  // Spans arrive in batches, some seconds after they end: a completed trace may still grow for a while.
  const LINGER = 60 * SECOND, ABANDONED = 300 * SECOND;
  const ROOM = 100, ADDRESS = 3000;   // rows that open by themselves; what servers take of an address
  const tree = () => document.getElementById("tree");
  const running = () => "running" in tree().dataset;
  let tag = live.dataset.tag, changed = performance.now() - live.dataset.quiet * SECOND, timer, all = true;

  const distance = (page) => {
    const box = page.getBoundingClientRect(), view = tree().getBoundingClientRect();
    return Math.max(box.top - Math.min(view.bottom, innerHeight), Math.max(view.top, 0) - box.bottom, 0);
  };
  const near = () => {
    const pages = [...document.querySelectorAll(".tree .page")].filter((page) => page.parentElement.checkVisibility());
    const ranked = pages.map((page) => [distance(page), page]).sort((a, b) => a[0] - b[0]);
    let room = ADDRESS;
    const taken = new Set(ranked.filter(([, page], n) => (room -= page.dataset.page.length + 6) > 0 && n < 40).map(([, page]) => page));
    all = taken.size === pages.length;
    return pages.filter((page) => taken.has(page));
  };

  const wait = () => {
    clearTimeout(timer);
    const quiet = performance.now() - changed;
    if (document.visibilityState === "hidden" || (!running() && quiet > LINGER)) return;
    timer = setTimeout(ask, quiet < 10 * SECOND ? FAST : quiet < ABANDONED ? STEADY : Math.min(quiet / 100, SLOWEST));
  };
  const ask = () => live.dispatchEvent(new Event("poll"));

  live.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    ctx.request.headers["If-None-Match"] = `"${tag}"`;
    for (const page of near()) ctx.request.body.append("page", page.dataset.page);
  });
  const seen = new WeakSet(document.querySelectorAll(".toggle"));
  let before = null;
  live.addEventListener("htmx:before:swap", () => (before = { count: +tree().dataset.count, running: running() }));
  live.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    tag = ctx.response.headers.get("ETag")?.replace(/^W\/|"/g, "") ?? tag;
    changed = performance.now();
    const more = tree().dataset.count - before.count;
    if (!before.running && more > 0) dispatchEvent(new CustomEvent("notice", { detail: `${more} new ${more === 1 ? "span" : "spans"}` }));
    // New nodes are opened as if the page had been loaded now.
    let rows = document.querySelectorAll(".tree .row").length;
    for (const toggle of document.querySelectorAll(".toggle:not([open])")) {
      if (seen.has(toggle)) continue;
      seen.add(toggle);
      if (rows < ROOM) { toggle.open = true; rows += 10; }
    }
  });
  // Also once for a completed trace: late spans are shown when the visitor comes back to the tab.
  addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? clearTimeout(timer) : ask()));
  live.addEventListener("htmx:finally:request", wait);
  document.addEventListener("scrollend", () => { if (!all) { tag = ""; wait(); } }, true);
  wait();
})();
