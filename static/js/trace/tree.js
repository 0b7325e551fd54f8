// The span tree: opens and closes nodes by keys, keeps one row in the Tab order.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const linkOf = (row) => row?.querySelector(".row a[href]");
  const selectedRow = () => document.querySelector(".row[aria-current]");
  const panel = () => document.getElementById("panel");
  const isNarrow = () => matchMedia("(max-width: 640px)").matches;   // there the panel is below the tree

  // As in a WAI-ARIA tree: right opens or goes to the first child, left closes or goes to the parent.
  const turn = (open) => {
    const row = document.activeElement?.closest(".tree .row"), toggle = row?.querySelector(".toggle");
    if (!row) return false;
    if (toggle && toggle.open !== open) toggle.open = open;
    else if (toggle && open) dispatchEvent(new CustomEvent("key", { detail: "j", cancelable: true }));
    else if (!open) {
      const parent = linkOf(row.closest(".children")?.previousElementSibling);
      parent?.focus();
      parent?.scrollIntoView({ block: "nearest" });
    }
    return true;
  };

  // Nodes open when they come into view, each with one page of children, so that any trace can be expanded.
  let expanding = false;
  const expand = () => {
    const tree = document.getElementById("tree");
    if (!expanding || !tree) return;
    const { top, bottom } = tree.getBoundingClientRect(), end = Math.min(bottom, innerHeight) + 200;
    for (const target of all(".toggle:not([open]), a[data-later]", tree)) {
      const row = target.closest(".row"), box = row.getBoundingClientRect();
      if (box.bottom < top || !row.checkVisibility()) continue;
      if (box.top > end) return;
      if (target.matches("a")) return target.click();
      target.open = true;
      if (row.nextElementSibling.matches("[hx-get]")) return;   // the swap of its children calls again
    }
  };
  document.addEventListener("htmx:after:swap", expand);
  document.addEventListener("scrollend", expand, true);
  const closeAll = () => {
    expanding = false;
    all(".children .toggle").forEach((toggle) => (toggle.open = false));
  };

  const actions = {
    ArrowRight: () => turn(true),
    ArrowLeft: () => turn(false),
    "]": () => { expanding = true; expand(); return true; },
    "[": () => { closeAll(); return true; },
  };
  addEventListener("key", (event) => { if (actions[event.detail]?.()) event.preventDefault(); });

  addEventListener("click", (event) => {
    if (isNarrow() && event.target.closest(".tree a[href*='span=']")) panel().scrollIntoView();
  });

  // A click on a bar selects its span. Links stay links: with a modifier they open a new tab.
  addEventListener("click", (event) => {
    const bar = event.target.closest(".tree .wf .bar");
    if (bar) linkOf(bar.closest(".row"))?.click();
  });

  // One row of the tree is a stop of the Tab key, the others are reached from it with the arrows.
  let stop = null;
  const rove = () => {
    if (!stop?.isConnected) stop = linkOf(selectedRow()) ?? linkOf(document.querySelector(".tree .row"));
    all(".tree .row a[href], .tree summary").forEach((other) => (other.tabIndex = other === stop ? 0 : -1));
  };
  addEventListener("focusin", (event) => {
    const row = event.target.closest?.(".tree .row");
    if (row) { stop = linkOf(row); rove(); }
  });
  // With a script the rows are a WAI-ARIA tree: the link is the item, which has the level and whether it is open.
  const describe = () => {
    for (const page of all(".tree > .page:has(.row)")) page.setAttribute("role", "tree");
    for (const row of all(".tree > .page .row:not([data-described])")) {
      const link = linkOf(row), toggle = row.querySelector(".toggle");
      row.dataset.described = "";
      row.setAttribute("role", "group");
      link?.setAttribute("role", "treeitem");
      link?.setAttribute("aria-level", +row.style.getPropertyValue("--depth") + 1);
      if (!toggle) continue;
      toggle.firstElementChild.setAttribute("aria-hidden", "true");   // aria-expanded of the item has the state
      const show = () => link.setAttribute("aria-expanded", toggle.open);
      toggle.addEventListener("toggle", show);
      show();
    }
  };
  addEventListener("click", (event) => {
    if (!event.target.closest("[href='#spans']")) return;
    event.preventDefault();
    stop?.focus();
  });
  const settle = () => {
    rove();
    describe();
    all("[data-script]").forEach((button) => (button.hidden = false));
  };
  document.addEventListener("htmx:after:swap", settle);
  settle();
  const selected = selectedRow();
  if (selected && isNarrow()) panel().scrollIntoView();
  else selected?.scrollIntoView({ block: "center" });
})();
