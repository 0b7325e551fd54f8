// Dragging over the minimap zooms to that range; a click follows the link at that position.
(() => {
  const LEAST = 4;   // pixels: less is a click with an unsteady hand
  let from = null, strip = null, frame = null;
  const part = (event) => {
    const box = strip.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  };
  addEventListener("pointerdown", (event) => {
    strip = event.button === 0 && event.isPrimary ? event.target.closest?.(".map") : null;
    if (!strip) return;
    event.preventDefault();   // else the browser drags the link
    from = part(event);
  });
  addEventListener("pointermove", (event) => {
    if (!strip) return;
    const to = part(event);
    if (!frame && Math.abs(to - from) * strip.clientWidth < LEAST) return;
    frame ??= strip.appendChild(document.createElement("i"));
    frame.style.setProperty("--x", Math.min(from, to) * 100);
    frame.style.setProperty("--w", Math.abs(to - from) * 100);
  });
  const drop = (event) => {
    if (!frame) return (strip = null);
    const [low, high] = [from, part(event)].sort((a, b) => a - b);
    const { start, end, zoom } = strip.dataset, time = (share) => Math.round(+start + share * (end - start));
    addEventListener("click", (click) => { click.preventDefault(); click.stopPropagation(); }, { capture: true, once: true });
    frame.remove();
    const values = { zoom: `${time(low)}-${time(high)}`, t: document.getElementById("base").value };
    if (event.type === "pointerup" && high > low) htmx.ajax("GET", zoom, { source: strip, swap: "none", values });
    frame = strip = null;
  };
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", drop);
})();
