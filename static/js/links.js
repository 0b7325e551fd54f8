// A click with Ctrl, Cmd or Shift on a link that htmx handles is left to the browser, which opens a tab or window.
(() => {
  addEventListener("click", (event) => {
    const modified = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    // htmx cancels the click before it steps aside, so the click must not reach it.
    if (modified && event.target.closest?.("a[href][hx-get]")) event.stopImmediatePropagation();
  }, true);
})();
