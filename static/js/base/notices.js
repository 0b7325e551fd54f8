// The status line: shows the text of a "notice" or "failure" event for some seconds, and errors of htmx requests.
(() => {
  const SHOWN = 6000;
  const line = document.getElementById("status");
  let timer = null;
  const show = (text, failed = true) => {
    line.textContent = text;
    line.classList.toggle("bad", failed);
    clearTimeout(timer);
    timer = setTimeout(() => (line.textContent = ""), SHOWN);
  };
  addEventListener("notice", (event) => show(event.detail, false));
  addEventListener("failure", (event) => show(event.detail));
  for (const name of ["htmx:response:error", "htmx:error"])
    document.addEventListener(name, (event) => {
      const status = event.detail?.ctx?.response?.status, reason = event.detail?.ctx?.text;
      if (status === 422 && reason) return show(reason);   // what is wrong with a form
      show(status ? `The server answered ${status}. Try again.` : "The server can't be reached.");
    });
})();
