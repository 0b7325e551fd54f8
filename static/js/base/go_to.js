// "Go to…": Ctrl or ⌘ K opens the box from every page of a project; arrows move through its offers.
(() => {
  const dialog = document.getElementById("go-to");
  if (!dialog) return;
  const open = () => { dialog.showModal(); dialog.querySelector("input").select(); };
  addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (!dialog.open) open();
  });
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const stops = [dialog.querySelector("input"), ...dialog.querySelectorAll("#destinations a")];
    event.preventDefault();
    stops[(stops.indexOf(document.activeElement) + by + stops.length) % stops.length].focus();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-go-to]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    open();
  });
})();
