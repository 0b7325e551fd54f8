// A list: dragging over the chart narrows the time range; dragging the edge of a heading sets its width.
(() => {
  let first = null;
  const bars = () => [...document.querySelectorAll(".hist a[data-period]")];
  const barAt = (event) => {
    const svg = first?.closest("svg"), within = svg && bars().filter((bar) => svg.contains(bar));
    const away = (bar) => Math.abs(bar.querySelector(".hit").getBoundingClientRect().x - event.clientX);
    return within?.reduce((best, bar) => (away(bar) < away(best) ? bar : best));
  };
  const range = (event) => {
    const all = bars(), ends = [all.indexOf(first), all.indexOf(barAt(event))].sort((a, b) => a - b);
    return all.slice(ends[0], ends[1] + 1);
  };
  const mark = (chosen) => { for (const bar of bars()) bar.classList.toggle("on", chosen.includes(bar)); };
  document.addEventListener("pointerdown", (event) => { first = event.button ? null : event.target.closest?.(".hist a[data-period]"); });
  document.addEventListener("pointermove", (event) => { if (first) mark(range(event)); });
  document.addEventListener("pointerup", (event) => {
    if (!first) return;
    const chosen = range(event), own = first.dataset.period;
    const url = new URL(first.href.baseVal ?? first.href, location);
    first = null;
    if (chosen.length < 2) return mark([]);
    const period = chosen[0].dataset.period.split("..")[0] + ".." + chosen.at(-1).dataset.period.split("..")[1];
    url.searchParams.set("q", url.searchParams.get("q").replace(`start:${own}`, `start:${period}`));
    location.assign(url);
  });
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.(".hist")) event.preventDefault(); });
})();
(() => {
  const menu = document.getElementById("columns");
  const save = (name, width) => {
    const columns = menu.dataset.columns.split(",").map((text) => (text.split(":")[0] === name ? `${name}:${width}` : text)).join();
    menu.dataset.columns = columns;
    const url = new URL(location);
    url.searchParams.set("columns", columns);
    url.searchParams.delete("cursor");
    history.replaceState(history.state, "", url);
    // Links and forms of this page keep the width as well.
    for (const link of document.querySelectorAll("main a[href*='?']")) {
      if (link.pathname !== location.pathname || link.closest("#columns")) continue;
      const own = new URL(link.href);
      own.searchParams.set("columns", columns);
      link.href = own;
    }
    for (const field of document.querySelectorAll("main [type=hidden][name=columns]")) field.value = columns;
  };
  for (const head of document.querySelectorAll(".list th[data-column]")) {
    const grip = Object.assign(document.createElement("i"), { className: "grip" });
    head.append(grip);
    grip.addEventListener("pointerdown", (down) => {
      const from = head.offsetWidth, width = (event) => Math.round(Math.max(40, Math.min(from + event.clientX - down.clientX, 900)));
      grip.setPointerCapture(down.pointerId);
      grip.onpointermove = (event) => head.style.setProperty("--width", width(event));
      grip.onpointerup = (event) => { grip.onpointermove = null; save(head.dataset.column, width(event)); };
      down.preventDefault();
    });
    grip.addEventListener("click", (event) => event.preventDefault());
  }
})();
// Live mode: requests the rows regularly, and replaces changed ones; while paused it counts new rows.
(() => {
  const body = document.querySelector("[data-live]"), pause = document.getElementById("pause");
  if (!body) return;
  const waiting = document.getElementById("waiting"), MIN_INTERVAL = 1000, MAX_INTERVAL = 15000;
  const key = (row) => row.querySelector(".open")?.getAttribute("href");
  let tag = "", html = null, timer, drawn = performance.now();
  // The chart and the sums are updated less often: they cost more than a page of rows.
  const draw = async () => {
    const chart = document.getElementById("hist");
    if (!chart || performance.now() - drawn < MAX_INTERVAL) return;
    drawn = performance.now();
    const response = await fetch(body.dataset.over, { headers: { "HX-Request-Type": "partial" } });
    if (response.ok) chart.outerHTML = await response.text();
  };
  const fresh = (parent) => {
    const known = new Set([...body.rows].map(key));
    return [...parent.querySelectorAll("tr")].filter((row) => !known.has(key(row)));
  };
  const show = () => {
    if (html === null) return;
    const template = document.createElement("template");
    template.innerHTML = html;
    const added = fresh(template.content), paused = pause.getAttribute("aria-pressed") === "true";
    waiting.textContent = paused && added.length ? `${added.length === body.rows.length ? "more than " : ""}${added.length} new` : "";
    if (paused) return;
    for (const row of added) row.classList.add("fresh");
    const focused = key(document.activeElement?.closest("tr") ?? body);
    body.replaceChildren(template.content);
    html = null;
    if (focused) [...body.rows].find((row) => key(row) === focused)?.querySelector(".open").focus({ preventScroll: true });
  };
  const ask = async () => {
    clearTimeout(timer);
    const begin = performance.now();
    try {
      const response = await fetch(body.dataset.live, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      if (response.status === 200) {
        tag = response.headers.get("ETag");
        html = await response.text();
        show();
        await draw();
      }
    } catch { /* the server is away: asked again below */ }
    // A slow query is requested less often.
    if (document.visibilityState !== "hidden") timer = setTimeout(ask, Math.min(Math.max(MIN_INTERVAL, 5 * (performance.now() - begin)), MAX_INTERVAL));
  };
  pause.addEventListener("click", () => {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    show();
  });
  addEventListener("visibilitychange", () => { if (document.visibilityState !== "hidden") ask(); });
  timer = setTimeout(ask, MIN_INTERVAL);
})();
