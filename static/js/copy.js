// Copy buttons (data-copy: the selector of the element to copy), and the key that copies the address.
(() => {
  const notice = (text) => dispatchEvent(new CustomEvent("notice", { detail: text }));
  const copy = async (text, what) => {
    try {
      await navigator.clipboard.writeText(text);
      notice(`${what} copied`);
    } catch {
      notice("The browser did not allow copying");
    }
  };
  addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(document.querySelector(button.dataset.copy).innerText.trim(), "Text");
  });
  addEventListener("key", (event) => {
    if (event.detail !== "c") return;
    copy(location.href, "Address");
    event.preventDefault();
  });
})();
