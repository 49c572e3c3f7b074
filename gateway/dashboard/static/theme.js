// The choice of colours takes effect at once; the cookie that keeps it comes from the server.
export function startTheme() {
  const form = document.querySelector("[data-theme-switch]");
  if (!form) return;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter;
    const body = new URLSearchParams(new FormData(form));
    body.set("theme", button.value);
    document.documentElement.dataset.theme = button.value;
    for (const each of form.querySelectorAll("button")) each.setAttribute("aria-pressed", String(each === button));
    fetch(form.action, { method: "POST", body, redirect: "manual" });
  });
}
