// Fetches the page's main part anew and puts it in place, unless somebody is at work in it.
let isRunning = false;
let wanted = false;

function isBusy(main) {
  const active = document.activeElement;
  const isTyping = main.contains(active) && active.matches("input:not([type=checkbox]), textarea, select");
  return isTyping || main.querySelector("details.pop[open], input[data-select]:checked") !== null || getSelection()?.type === "Range";
}

export async function renew() {
  wanted = true;
  if (isRunning) return;
  isRunning = true;
  try {
    while (wanted) {
      wanted = false;
      const main = document.getElementById("main");
      if (isBusy(main)) break;
      const answer = await fetch(location.href, { headers: { "X-Fragment": "1" } });
      if (!answer.ok || answer.redirected) break;
      const html = await answer.text();
      if (isBusy(main)) break;
      const place = main.querySelector("[data-current]")?.id;
      const open = [...main.querySelectorAll("details[id][open]")].map((each) => each.id);
      const focused = main.contains(document.activeElement) ? document.activeElement.id : "";
      main.innerHTML = html;
      if (place) document.getElementById(place)?.setAttribute("data-current", "");
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
      main.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
    }
  } finally {
    isRunning = false;
  }
}
