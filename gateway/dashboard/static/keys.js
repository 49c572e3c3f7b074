// The keyboard: / finds, j and k move, Enter opens, x selects, g and a letter go to a screen, ? lists them all.
const items = () => [...document.querySelectorAll("[data-item]")].filter((each) => each.offsetParent !== null);
let awaitsScreen = 0;

function move(step) {
  const all = items();
  if (!all.length) return;
  const at = all.findIndex((each) => each.hasAttribute("data-current"));
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  all[at]?.removeAttribute("data-current");
  next.setAttribute("data-current", "");
  next.scrollIntoView({ block: "nearest" });
  const link = next.querySelector("[data-open-item]");
  link?.focus({ preventScroll: true });
}

function toggle() {
  const box = document.querySelector("[data-current] input[type=checkbox]");
  if (box) box.click();
}

function goTo(letter) {
  document.querySelector(`.rail a[data-key="${CSS.escape(letter)}"]`)?.click();
}

const ACTIONS = {
  "/": () => (document.getElementById("filter") ?? null) ? focusFilter() : (location.href = "/dashboard/jobs#filter"),
  j: () => move(1),
  k: () => move(-1),
  x: toggle,
  "?": () => document.getElementById("help")?.showModal(),
  g: () => { awaitsScreen = Date.now(); },
  Enter: () => document.querySelector("[data-current] [data-open-item]")?.click(),
};

function focusFilter() {
  const field = document.getElementById("filter");
  field.focus();
  field.select();
}

export function startKeys() {
  if (!document.querySelector(".rail")) return;
  if (location.hash === "#filter" && document.getElementById("filter")) focusFilter();
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
    if (isTyping && event.target.type !== "checkbox") {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (Date.now() - awaitsScreen < 1500) {
      awaitsScreen = 0;
      return goTo(event.key);
    }
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    const action = ACTIONS[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
