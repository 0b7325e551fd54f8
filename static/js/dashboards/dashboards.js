// The editor of a dashboard: tiles are moved by dragging their titles. Without this script, the arrow buttons
// of a tile move it.
(() => {
  const grid = document.querySelector("[data-move]"), form = document.getElementById(grid?.dataset.move);
  if (!form) return;
  let dragged = null;
  const tileOf = (event) => event.target.closest?.("[data-tile]");
  grid.addEventListener("dragstart", (event) => {
    if (!event.target.matches?.("[draggable]")) return;
    dragged = tileOf(event);
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.tile);
  });
  grid.addEventListener("dragover", (event) => {
    const tile = tileOf(event);
    if (!dragged || !tile) return;
    event.preventDefault();
    for (const other of grid.querySelectorAll(".over")) other.classList.remove("over");
    if (tile !== dragged) tile.classList.add("over");
  });
  grid.addEventListener("drop", (event) => {
    const tile = tileOf(event);
    if (!dragged || !tile) return;
    event.preventDefault();
    if (tile === dragged) return;
    form.elements.number.value = dragged.dataset.tile;
    form.elements.to.value = tile.dataset.tile;
    form.submit();
  });
  grid.addEventListener("dragend", () => { dragged = null; });
})();
