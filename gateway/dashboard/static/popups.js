// One menu open at a time; a click elsewhere or Escape closes it. A form is sent once.
export function startPopups() {
  const open = () => document.querySelectorAll("details.pop[open]");
  document.addEventListener("click", (event) => {
    for (const each of open()) if (!each.contains(event.target)) each.open = false;
    const opener = event.target.closest("[data-open]");
    if (opener) document.getElementById(opener.dataset.open)?.showModal();
    const dialog = event.target.closest("dialog");
    if (dialog && event.target === dialog) dialog.close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const each of open()) {
      each.open = false;
      each.querySelector("summary").focus();
    }
  });
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    if (event.target.dataset.sent) return event.preventDefault();
    event.target.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => {
    for (const each of document.querySelectorAll("form[data-sent]")) delete each.dataset.sent;
  });
  for (const each of document.querySelectorAll("[data-open]")) each.hidden = false;
  const again = document.querySelector('[data-retry="true"]');
  if (again) setTimeout(() => location.replace(again.href), 5000);
}
