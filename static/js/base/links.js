// A click with Ctrl, Cmd or Shift on a link that htmx handles is left to the browser, which opens a tab or window.
// A select of a form that chooses what the page shows applies at once; without this script its button applies it.
(() => {
  addEventListener("click", (event) => {
    const modified = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    // htmx cancels the click even where it ignores it, so the click must not reach htmx.
    if (modified && event.target.closest?.("a[href][hx-get]")) event.stopImmediatePropagation();
  }, true);
  addEventListener("change", ({ target }) => {
    if (target.matches("form[data-apply] select")) target.form.requestSubmit();
  });
})();
