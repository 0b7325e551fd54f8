// Charts over time: a crosshair with the name and values of the interval under the pointer, and brushing:
// dragging over a chart selects that time range. Without this script the intervals are links with titles.
(() => {
  const svg = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const cross = svg("line", { class: "cross", y2: "100%" }), brush = svg("rect", { class: "brush", height: "100%" });
  const tip = Object.assign(document.createElement("p"), { className: "tip", hidden: true });
  let drag = null;   // {area, from}: the chart, and where on it the pointer went down (0 to 1)

  const areaOf = (event) => event.target.closest?.(".plot > .area");
  const place = (area, event) => {
    const box = area.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  const clear = () => {
    cross.remove();
    brush.remove();
    tip.hidden = true;
    drag = null;
  };

  const point = (area, x) => {
    const hits = area.querySelectorAll(".hit"), hit = hits[Math.min(hits.length - 1, Math.floor(x * hits.length))];
    if (!hit) return;
    cross.setAttribute("x1", `${x * 100}%`);
    cross.setAttribute("x2", `${x * 100}%`);
    area.append(cross);
    tip.textContent = hit.previousElementSibling.textContent;
    area.after(tip);
    tip.hidden = false;
    tip.classList.toggle("left", x > .5);
  };

  addEventListener("pointermove", (event) => {
    const area = drag?.area ?? areaOf(event);
    if (!area) return clear();
    const x = place(area, event);
    point(area, x);
    if (!drag) return;
    brush.setAttribute("x", `${Math.min(x, drag.from) * 100}%`);
    brush.setAttribute("width", `${Math.abs(x - drag.from) * 100}%`);
    area.append(brush);
  });
  addEventListener("pointerdown", (event) => {
    const area = areaOf(event);
    if (area?.dataset.since && event.button === 0 && event.pointerType !== "touch") drag = { area, from: place(area, event) };
  });
  addEventListener("dragstart", (event) => areaOf(event) && event.preventDefault());
  addEventListener("keydown", (event) => event.key === "Escape" && clear());

  addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { area, from } = drag, x = place(area, event), width = area.getBoundingClientRect().width;
    drag = null;
    if (Math.abs(x - from) * width < 8) return brush.remove();
    // The click that ends the drag must not open the list of an interval.
    addEventListener("click", (click) => click.preventDefault(), { capture: true, once: true });
    const since = +area.dataset.since, length = area.dataset.until - since;
    const time = (part) => new Date(Math.round(since + length * part) * 1000).toISOString().slice(0, 19) + "Z";
    const address = new URL(location.href);
    for (const name of ["from", "to"]) address.searchParams.delete(name);
    address.searchParams.set("range", `${time(Math.min(x, from))}..${time(Math.max(x, from))}`);
    location.assign(address);
  });
})();
