// Copy buttons (data-url: the address of the text to copy; data-text: the text; data-copy: the selector of
// an element with the text), and the key that copies the address of the page.
(() => {
  const report = (type, text) => dispatchEvent(new CustomEvent(type, { detail: text }));
  const load = async (url) => {
    const response = await fetch(url);
    if (!response.ok) throw new RangeError(`The value could not be loaded: the server answered ${response.status}`);
    return response.text();
  };
  // Browsers offer the clipboard only over HTTPS and on localhost.
  const copyBySelection = (text) => {
    const field = document.body.appendChild(Object.assign(document.createElement("textarea"), { value: text }));
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    if (!copied) throw new Error("copy");
  };
  const write = async (text) => {
    if (!navigator.clipboard) return copyBySelection(await text);
    if (typeof text === "string") return navigator.clipboard.writeText(text);
    // Passed on as a promise: after a wait, some browsers no longer allow to copy.
    const blob = text.then((loaded) => new Blob([loaded], { type: "text/plain" }));
    await Promise.all([text, navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })])]);
  };
  const copy = async (text, what) => {
    try {
      await write(text);
      report("notice", `${what} copied`);
    } catch (error) {
      report("failure", error instanceof RangeError ? error.message : "The browser did not allow copying");
    }
  };
  addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const { url, text, copy: selector } = button.dataset;
    copy(url ? load(url) : text ?? document.querySelector(selector).textContent.trim(), url ? "Value" : "Text");
  });
  addEventListener("key", (event) => {
    if (event.detail !== "c") return;
    copy(location.href, "Address");
    event.preventDefault();
  });
})();
