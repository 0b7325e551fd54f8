// The theme and the widths of parts. Loaded without defer, in <head>: the page must not be painted with others first.
(() => {
  const root = document.documentElement;
  const show = (theme) => (theme === "auto" ? delete root.dataset.theme : (root.dataset.theme = theme));
  root.classList.add("js");
  try { show(localStorage.getItem("theme") || "auto"); } catch { show("auto"); }
  try {
    for (const [name, width] of Object.entries(JSON.parse(localStorage.getItem("splitters") ?? "{}")))
      if (width > 0) root.style.setProperty(`--${name}`, `${Number(width)}px`);
  } catch { /* private window */ }
  // The zone of times, unless the visitor chose one: the server uses it from the next page on.
  const zone = `tracer_zone=auto:${Intl.DateTimeFormat().resolvedOptions().timeZone}`, set = /(?:^|; )(tracer_zone=[^;]*)/.exec(document.cookie)?.[1];
  if (zone !== set && (!set || set.startsWith("tracer_zone=auto:"))) document.cookie = `${zone}; path=/; max-age=31536000; samesite=lax`;
  addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-toggle=theme]")) return;
    const next = { auto: "light", light: "dark", dark: "auto" }[root.dataset.theme || "auto"];
    show(next);
    try { localStorage.setItem("theme", next); } catch { /* private window: for this page only */ }
  });
})();
