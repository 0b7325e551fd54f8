// The keys n and p go through the traces of the list that the visitor came from, filters and all.
(() => {
  const list = [...document.querySelectorAll(".list:not(.log) .open")].map((open) => open.pathname);
  try {
    if (list.length) sessionStorage.setItem("list", JSON.stringify(list));
    const known = JSON.parse(sessionStorage.getItem("list") ?? "[]"), current = known.indexOf(location.pathname);
    for (const [key, by] of [["p", -1], ["n", 1]])
      if (current >= 0 && known[current + by])
        document.querySelector(`.steps [data-key=${key}]`)?.setAttribute("href", known[current + by]);
  } catch { /* private window: the steps are those of the whole list */ }
})();
