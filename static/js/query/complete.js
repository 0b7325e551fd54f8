// Completes the query while it is typed: the server returns the options; arrows select one, Tab inserts it.
(() => {
  const box = document.querySelector("[data-complete]"), input = box?.querySelector("input");
  if (!input) return;
  const list = Object.assign(document.createElement("div"), { id: "complete", className: "complete" });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Completions");
  list.hidden = true;
  box.append(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": "complete", "aria-autocomplete": "list" }))
    input.setAttribute(name, value);

  let latest = 0, timer;
  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => list.querySelector("[aria-selected=true]");
  const show = (visible) => {
    list.hidden = !visible;
    input.setAttribute("aria-expanded", String(visible));
    if (!visible) input.removeAttribute("aria-activedescendant");
  };
  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  };
  const take = (option) => {
    clearTimeout(timer);
    input.value = option.dataset.query;
    input.setSelectionRange(+option.dataset.cursor, +option.dataset.cursor);
    input.focus();
    load();
  };

  const load = async () => {
    const request = ++latest;
    const query = new URLSearchParams({ q: input.value, cursor: input.selectionStart, grain: box.dataset.grain });
    const answer = await fetch(`${box.dataset.complete}?${query}`), html = await answer.text();
    // An older response must not replace a newer one, or be shown after Escape or Enter.
    if (request !== latest || !answer.ok || document.activeElement !== input) return;
    list.innerHTML = html;
    document.getElementById("why")?.remove();
    show(options().length > 0);
  };
  const close = () => { latest += 1; clearTimeout(timer); show(false); };

  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(load, 120); });
  input.addEventListener("blur", () => setTimeout(() => { if (document.activeElement !== input) close(); }, 150));
  input.addEventListener("keydown", (event) => {
    const all = options(), current = all.indexOf(chosen()), open = !list.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !open) load();
    else if (step && all.length) choose(all[(current + step + all.length) % all.length]);
    else if (event.key === "Tab" && open && !event.shiftKey && all.length) take(chosen() ?? all[0]);
    else if (event.key === "Enter" && open && chosen()) take(chosen());
    else if (event.key === "Escape" && open) close();
    else return;
    event.preventDefault();
  });
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    take(option);
  });
})();
