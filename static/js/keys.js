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
  const nextError = () => {
    const failed = all(".tree .row.err, .list tr:has(.st .bad)").map(link).filter((a) => a?.checkVisibility());
    const now = document.activeElement;
    focus(failed.find((a) => now.compareDocumentPosition(a) & Node.DOCUMENT_POSITION_FOLLOWING && a !== now) ?? failed[0]);
  };
  const keys = {
    j: () => step(1), ArrowDown: () => here() && step(1),
    k: () => step(-1), ArrowUp: () => here() && step(-1),
    ArrowRight: () => turn(true), ArrowLeft: () => turn(false),
    "]": () => all(".node:not(:has(> .children[hx-get])) > .row .toggle").forEach((toggle) => (toggle.open = true)),
    "[": () => all(".children .toggle").forEach((toggle) => (toggle.open = false)),
    e: nextError,
    c: () => copy(location.href, "Address"),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [contenteditable]")) return;
    const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    const act = keys[event.key];
    if (button) button.click();
    else if (!act || act() === false || (event.key.startsWith("Arrow") && !here())) return;
    event.preventDefault();
  });

  addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(document.querySelector(button.dataset.copy).innerText.trim(), "Text");
    const selected = event.target.closest(".tree a[href*='span='], [data-close]");
    if (!selected || event.ctrlKey || event.metaKey) return;
    all(".tree [aria-current]").forEach((row) => row.removeAttribute("aria-current"));
    selected.closest(".row")?.setAttribute("aria-current", "true");
    if (narrow() && selected.matches(".tree a")) document.getElementById("panel").scrollIntoView();
  });
  // One row of the tree is a stop of the Tab key, the others are reached from it with the arrows.
  addEventListener("focusin", (event) => {
    const row = event.target.closest?.(".tree .row");
    if (!row) return;
    all(".tree .row a[href], .tree summary").forEach((other) => (other.tabIndex = -1));
    link(row).tabIndex = 0;
  });
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
