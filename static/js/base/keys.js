// The keyboard. A key pressed outside of fields is sent as a "key" event, which the other scripts handle.
// A key that none handles clicks the button or link that has it as data-key.
(() => {
  const help = document.getElementById("keys");
  const press = (key) => !dispatchEvent(new CustomEvent("key", { detail: key, cancelable: true }));

  addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea, [contenteditable]");
    if (event.ctrlKey || event.metaKey || event.altKey || typing || help?.open) return;
    const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!press(event.key)) {
      if (!button) return;
      button.click();
    }
    event.preventDefault();
  });
  // These two buttons have no link or form of their own: a script does their work.
  addEventListener("click", (event) => {
    const key = event.target.closest("[data-key='?'], [data-key=']']")?.dataset.key;
    if (key) press(key);
  });

  const search = () => {
    const field = document.querySelector("input[type=search], .query input");
    field?.focus();
    field?.scrollIntoView({ block: "nearest" });
    return field;
  };
  addEventListener("key", (event) => {
    if (event.detail === "?") help?.showModal();
    else if (event.detail !== "/" || !search()) return;
    event.preventDefault();
  });
})();
