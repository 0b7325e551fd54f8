// The keyboard, the copy buttons and the line that tells of errors. Nothing here is needed to read a page.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const rows = () => all(".tree .row a[href], .list .open, .exchange .open").filter((link) => link.checkVisibility());
  const here = () => document.activeElement?.closest(".row, tr, .exchange");
  const link = (row) => row?.querySelector(".row a[href], .name a[href], .open");
  const narrow = () => matchMedia("(max-width: 640px)").matches;   // the panel is below the tree there
  const say = (text) => {
    const line = document.getElementById("status");
    line.textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => (line.textContent = ""), 6000);
  };
  addEventListener("say", (event) => say(event.detail));
  const focus = (target) => { target?.focus(); target?.scrollIntoView({ block: "nearest" }); };
  const step = (by) => {
    const links = rows(), now = links.indexOf(link(here()) ?? link(document.querySelector(".row[aria-current]")));
    focus(links[now < 0 ? 0 : Math.min(Math.max(now + by, 0), links.length - 1)]);
  };
  const copy = async (text, what) => {
    try { await navigator.clipboard.writeText(text); say(`${what} copied`); } catch { say("The browser did not allow copying"); }
  };

  // As in a WAI-ARIA tree: right opens or goes to the first child, left closes or goes to the parent.
  const turn = (open) => {
    const row = here(), toggle = row?.querySelector(".toggle");
    if (!row?.closest(".tree")) return false;
    if (toggle && toggle.open !== open) toggle.open = open;
    else if (toggle && open) step(1);
    else if (!open) focus(link(row.closest(".children")?.previousElementSibling));
    return true;
  };
  // The server knows the next one however deep it is; where its row is here, nothing need be loaded.
  const nextError = async () => {
    const chip = document.getElementById("errors");
    if (!chip) {
      const failed = all(".list tr:has(.st .bad) .open"), now = document.activeElement;
      return focus(failed.find((a) => a !== now && now.compareDocumentPosition(a) & Node.DOCUMENT_POSITION_FOLLOWING) ?? failed[0]);
    }
    const url = new URL(chip.href), row = here() ?? document.querySelector(".row[aria-current]");
    if (row?.id) url.searchParams.set("after", row.id.slice(2));
    const { span_id } = await (await fetch(`${url.pathname}.json${url.search}`)).json();
    const next = link(document.getElementById(`s-${span_id}`));
    if (next?.checkVisibility()) { next.click(); focus(next); }
    else if (span_id) location.assign(url);
  };
  // All nodes open as they come into view, each with a page of its own: however large the trace is.
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
      if (row.nextElementSibling.matches("[hx-get]")) return;   // on with it when its children are here
    }
  };
  document.addEventListener("htmx:after:swap", expand);
  document.addEventListener("scrollend", expand, true);
  const search = () => {
    const field = document.querySelector("input[type=search], .filters input");
    focus(field);
    return !!field;
  };
  const keys = {
    j: () => step(1), ArrowDown: () => (here() ? step(1) : false),
    k: () => step(-1), ArrowUp: () => (here() ? step(-1) : false),
    ArrowRight: () => turn(true), ArrowLeft: () => turn(false),
    "]": () => { expanding = true; expand(); },
    "[": () => { expanding = false; all(".children .toggle").forEach((toggle) => (toggle.open = false)); },
    "/": search, "?": () => document.getElementById("keys")?.showModal(),
    e: () => { nextError(); },
    c: () => copy(location.href, "Address"),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [contenteditable]")) return;
    if (document.getElementById("keys")?.open) return;
    const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    // What a page has no use for, its buttons may have, and else the browser.
    const done = keys[event.key]?.() ?? keys[event.key];
    if (!done && !button) return;
    if (!done) button.click();
    event.preventDefault();
  });

  addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    const key = event.target.closest("[data-key='?'], [data-key=']']")?.dataset.key;
    if (key) keys[key]();
    if (button) copy(document.querySelector(button.dataset.copy).innerText.trim(), "Text");
    const selected = event.target.closest(".tree a[href*='span='], [data-close]");
    if (!selected || event.ctrlKey || event.metaKey) return;
    all(".tree [aria-current]").forEach((row) => row.removeAttribute("aria-current"));
    selected.closest(".row")?.setAttribute("aria-current", "true");
    if (narrow() && selected.matches(".tree a")) document.getElementById("panel").scrollIntoView();
  });
  // One row of the tree is a stop of the Tab key, the others are reached from it with the arrows.
  let stop = null;
  const rove = () => {
    if (!stop?.isConnected) stop = link(document.querySelector(".row[aria-current]")) ?? link(document.querySelector(".tree .row"));
    all(".tree .row a[href], .tree summary").forEach((other) => (other.tabIndex = other === stop ? 0 : -1));
  };
  addEventListener("focusin", (event) => {
    const row = event.target.closest?.(".tree .row");
    if (row) { stop = link(row); rove(); }
  });
  const settle = () => { rove(); all("[data-script]").forEach((button) => (button.hidden = false)); };
  document.addEventListener("htmx:after:swap", settle);
  settle();
  // The traces of the list that a reader came from, filters and all, are those that n and p step through.
  const list = all(".list:not(.log) .open").map((open) => open.pathname), path = location.pathname;
  try {
    if (list.length) sessionStorage.setItem("list", JSON.stringify(list));
    const known = JSON.parse(sessionStorage.getItem("list") ?? "[]"), at = known.indexOf(path);
    for (const [key, by] of [["p", -1], ["n", 1]])
      if (at >= 0 && known[at + by]) document.querySelector(`.steps [data-key=${key}]`)?.setAttribute("href", known[at + by]);
  } catch { /* private window: the steps are those of the whole list */ }
  const selected = document.querySelector(".row[aria-current]");
  if (selected && narrow()) document.getElementById("panel").scrollIntoView();
  else selected?.scrollIntoView({ block: "center" });
  for (const name of ["htmx:response:error", "htmx:error"])
    document.addEventListener(name, (event) => {
      const status = event.detail?.ctx?.response?.status, reason = event.detail?.ctx?.text;
      if (status === 422 && reason) return say(reason);   // what is wrong with a form
      say(status ? `The server answered ${status}. Try again.` : "The server can't be reached.");
    });
})();
