// The panel of a trace page: marks the selected row, shows that the panel loads or failed to load, and keeps
// the selection in the links to the other views of the trace.
(() => {
  const panel = () => document.getElementById("panel");
  let loading = null;   // the latest request, whose answer the panel shows

  // The selected row is marked at once, before the panel has been loaded.
  const mark = (link) => {
    for (const row of document.querySelectorAll(":is(.tree, .view) [aria-current=true]")) row.removeAttribute("aria-current");
    link.closest(".row, tr, li")?.setAttribute("aria-current", "true");
  };
  addEventListener("click", (event) => {
    const link = event.target.closest(":is(.tree, .view) a[hx-get][href*='span='], [data-close]");
    if (link) mark(link);
    const row = document.getElementById(`s-${event.target.closest("#panel a[data-select]")?.dataset.select}`);
    const rowLink = row?.querySelector(".row .name > a");
    if (rowLink) { mark(rowLink); row.scrollIntoView({ block: "nearest" }); }
  });

  const fills = (ctx) => ctx.request.method === "GET" && ctx.target === panel();
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (!fills(ctx)) return;
    loading = ctx;
    panel().setAttribute("aria-busy", "true");
    panel().scrollTop = 0;
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (ctx === loading) panel().removeAttribute("aria-busy");
  });
  const fail = ({ detail: { ctx } }) => {
    if (ctx !== loading) return;
    const status = ctx.response?.status, link = ctx.sourceElement;
    const shown = document.getElementById("panel-failed").content.cloneNode(true), retry = shown.querySelector("a");
    shown.querySelector("p").textContent = status ? `The server answered ${status}.` : "The server can't be reached.";
    retry.href = link.href;
    retry.setAttribute("hx-get", link.getAttribute("hx-get"));
    // The address follows the selection, so that loading the page again tries the same span.
    history.replaceState(history.state, "", link.href);
    panel().replaceChildren(shown);
    htmx.process(panel());
  };
  document.addEventListener("htmx:response:error", fail);
  document.addEventListener("htmx:error", fail);

  const keep = () => {
    const span = new URL(location).searchParams.get("span");
    for (const link of document.querySelectorAll("[data-keep] a[href]")) {
      const url = new URL(link.href);
      if (span) url.searchParams.set("span", span);
      else url.searchParams.delete("span");
      link.href = url.pathname + url.search;
      if (link.hasAttribute("hx-get")) link.setAttribute("hx-get", link.href);
    }
    for (const field of document.querySelectorAll("[data-keep] input[name=span]")) {
      field.value = span ?? "";
      field.disabled = !span;
    }
  };
  document.addEventListener("htmx:after:history:update", keep);
})();
