// Selecting rows: the bar of actions shows up with the first one; shift selects a stretch.
let last = null;

function boxes() {
  return [...document.querySelectorAll("input[data-select]")];
}

function show() {
  const bar = document.querySelector("[data-selection-bar]");
  if (!bar) return;
  const all = boxes();
  const chosen = all.filter((each) => each.checked).length;
  bar.hidden = chosen === 0;
  bar.querySelector("[data-count]").textContent = String(chosen);
  const whole = document.querySelector("[data-select-all]");
  whole.hidden = false;
  whole.checked = chosen > 0 && chosen === all.length;
  whole.indeterminate = chosen > 0 && chosen < all.length;
}

export function startSelection() {
  show();
  document.addEventListener("renewed", show);
  document.addEventListener("click", (event) => {
    const box = event.target.closest("input[data-select], input[data-select-all]");
    if (!box) return;
    const all = boxes();
    if (box.hasAttribute("data-select-all")) for (const each of all) each.checked = box.checked;
    else if (event.shiftKey && last && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
      for (const each of all.slice(from, to + 1)) each.checked = box.checked;
    }
    if (box.hasAttribute("data-select")) last = box;
    show();
  });
}
