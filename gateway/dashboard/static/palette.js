// The command palette: screens, queues, and whatever is typed taken for an id or a filter.
export function startPalette() {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const field = document.getElementById("palette-text");
  const list = document.getElementById("palette-list");
  const known = JSON.parse(document.getElementById("commands").textContent);
  let found = [];
  let at = 0;

  function guesses(text) {
    const word = encodeURIComponent(text);
    const made = [{ title: `Find jobs: ${text}`, path: `/dashboard/jobs?filter=${word}`, hint: "filter" }];
    if (/^[a-z]+-[\w:.-]{6,}$/i.test(text)) made.unshift({ title: `Job ${text}`, path: `/dashboard/jobs/${word}`, hint: "job" });
    if (/^\+?\d[\d\s-]{6,}$/.test(text)) made.unshift({ title: `Phone ${text}`, path: `/dashboard/subjects/phone/${word}`, hint: "subject" });
    if (/^ord/i.test(text)) made.unshift({ title: `Order ${text}`, path: `/dashboard/subjects/order/${word}`, hint: "subject" });
    if (/^ret/i.test(text)) made.unshift({ title: `Retailer ${text}`, path: `/dashboard/subjects/retailer/${word}`, hint: "subject" });
    return made;
  }

  function choose(place) {
    at = Math.min(Math.max(place, 0), found.length - 1);
    [...list.children].forEach((each, index) => each.setAttribute("aria-selected", String(index === at)));
    field.setAttribute("aria-activedescendant", `command-${at}`);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function show() {
    const text = field.value.trim();
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const matching = known.filter((each) => words.every((word) => each.title.toLowerCase().includes(word)));
    found = text ? [...matching, ...guesses(text)] : matching;
    list.replaceChildren(...found.map((each, index) => {
      const item = document.createElement("li");
      item.id = `command-${index}`;
      item.role = "option";
      const hint = document.createElement("span");
      hint.textContent = each.hint ?? "";
      item.append(each.title, hint);
      item.addEventListener("click", () => { location.href = each.path; });
      return item;
    }));
    choose(0);
  }

  field.addEventListener("input", show);
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && found[at]) {
      event.preventDefault();
      location.href = found[at].path;
    }
  });
  function open() {
    field.value = "";
    if (!dialog.open) dialog.showModal();
    show();
    field.focus();
  }
  document.querySelector('[data-open="palette"]')?.addEventListener("click", open);
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
}
