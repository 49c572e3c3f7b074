// Puts new rows and the headline into the first screen, in the order of need, unless somebody works on a row.
function isBusy(row) {
  return row.querySelector("details[open]") !== null;
}

function setRow(row, html) {
  const holder = document.createElement("template");
  holder.innerHTML = `<table><tbody><tr>${html}</tr></tbody></table>`;
  const cells = [...holder.content.querySelector("tr").children];
  const had = row.contains(document.activeElement) && document.activeElement.getAttribute("href");
  for (const each of [...row.children]) if (!each.classList.contains("acts")) each.remove();
  row.prepend(...cells);
  if (had) row.querySelector(`a[href="${CSS.escape(had)}"]`)?.focus({ preventScroll: true });
  const condition = cells[0].dataset.condition;
  row.className = `c-${condition}`;
  for (const form of row.querySelectorAll("[data-when]")) {
    form.hidden = (form.dataset.when === "paused") !== (condition === "paused");
  }
}

function sort(body) {
  if ([...body.children].some(isBusy) || body.querySelector("[data-current]")) return;
  const place = (row) => Number(row.firstElementChild.dataset.sort);
  const rows = [...body.children];
  const sorted = [...rows].sort((one, other) => place(one) - place(other));
  if (sorted.some((row, index) => row !== rows[index])) body.append(...sorted);
}

export function applyTexts(texts) {
  for (const [name, html] of Object.entries(texts)) {
    const place = document.querySelector(`[data-text="${CSS.escape(name)}"]`);
    if (!place) continue;
    if (place.tagName === "TR") setRow(place, html);
    else place.innerHTML = html;
  }
  const body = document.querySelector("tbody[data-order]");
  if (body) sort(body);
}
