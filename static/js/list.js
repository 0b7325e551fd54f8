// Widths of columns: the edge of a heading is dragged, and the address remembers the width.
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
