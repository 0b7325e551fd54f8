// Moves the focus through the rows of a list, a tree or a session: next, previous, next error.
(() => {
  const rows = () => [...document.querySelectorAll(".tree .row a[href], .list .open, .exchange .open")]
    .filter((link) => link.checkVisibility());
  const focusedRow = () => document.activeElement?.closest(".row, tr, .exchange");
  const selectedRow = () => document.querySelector(".row[aria-current]");
  const linkOf = (row) => row?.querySelector(".row a[href], .name a[href], .open");
  const focus = (link) => { link?.focus(); link?.scrollIntoView({ block: "nearest" }); };

  // Escape closes a menu first.
  const unpeek = () => (document.querySelector(":popover-open") ? null : document.getElementById("unpeek"));
  const step = (by) => {
    const links = rows(), current = links.indexOf(linkOf(focusedRow()) ?? linkOf(selectedRow()));
    focus(links[current < 0 ? 0 : Math.min(Math.max(current + by, 0), links.length - 1)]);
  };
  // In a list the next error is the next failed row of the page.
  const nextFailed = () => {
    const failed = [...document.querySelectorAll(".list tr:has(.st .bad) .open, .exchange:has(.msg .bad) .open")], current = document.activeElement;
    const isAfter = (link) => current.compareDocumentPosition(link) & Node.DOCUMENT_POSITION_FOLLOWING;
    focus(failed.find((link) => link !== current && isAfter(link)) ?? failed[0]);
  };
  // In a trace the server finds it at any depth; if its row is on the page, nothing is loaded.
  const nextError = async (chip) => {
    const url = new URL(chip.href), row = focusedRow() ?? selectedRow();
    if (row?.id) url.searchParams.set("after", row.id.slice(2));
    const { span_id } = await (await fetch(`${url.pathname}.json${url.search}`)).json();
    const next = linkOf(document.getElementById(`s-${span_id}`));
    if (next?.checkVisibility()) { next.click(); focus(next); }
    else if (span_id) location.assign(url);
  };

  const actions = {
    j: () => step(1),
    k: () => step(-1),
    v: () => {
      const look = focusedRow()?.querySelector(".look");
      // A second time on the same row closes it.
      if (look?.href === location.href) unpeek()?.click();
      else look?.click();
    },
    x: () => focusedRow()?.querySelector(".sel input")?.click(),
    e: () => {
      const chip = document.getElementById("errors");
      if (chip) nextError(chip);
      else nextFailed();
    },
  };
  addEventListener("key", (event) => {
    // Without a focused row the arrows scroll.
    const arrow = focusedRow() && { ArrowDown: "j", ArrowUp: "k" }[event.detail];
    const action = event.detail === "Escape" ? unpeek() && (() => unpeek().click()) : actions[arrow || event.detail];
    if (!action) return;
    action();
    event.preventDefault();
  });
  // The box of the head ticks, or unticks, all rows of the page.
  addEventListener("change", ({ target }) => {
    if (!target.matches("thead .sel input")) return;
    for (const box of target.closest("table").querySelectorAll("td.sel input")) box.checked = target.checked;
  });
})();
