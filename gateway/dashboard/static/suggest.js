// Suggestions for the last term of the filter bar; arrows choose, Tab or Enter takes one.
export function startSuggestions() {
  const field = document.querySelector("[data-suggest]");
  if (!field) return;
  const list = document.getElementById(field.getAttribute("aria-controls"));
  let at = -1;
  let newest = 0;

  function hide() {
    list.hidden = true;
    at = -1;
    newest += 1; // an answer that is still on its way must not open it again
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function choose(place) {
    at = place;
    [...list.children].forEach((each, index) => each.setAttribute("aria-selected", String(index === at)));
    if (at < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", `suggestion-${at}`);
    list.children[at].scrollIntoView({ block: "nearest" });
  }

  function take(text) {
    const before = field.value.slice(0, field.selectionStart).replace(/\S*$/, "");
    const after = field.value.slice(field.selectionStart);
    const space = text.endsWith(":") ? "" : " ";
    field.value = before + text + space + after.trimStart();
    field.setSelectionRange((before + text + space).length, (before + text + space).length);
    field.focus();
    ask();
  }

  async function ask() {
    const mine = ++newest;
    const prefix = field.value.slice(0, field.selectionStart);
    const answer = await fetch(`${field.dataset.suggest}?${new URLSearchParams({ prefix })}`, { headers: { "X-Fragment": "1" } });
    if (!answer.ok) return;
    const { suggestions } = await answer.json();
    if (mine !== newest || document.activeElement !== field) return;
    list.replaceChildren(...suggestions.map((each, index) => {
      const item = document.createElement("li");
      item.role = "option";
      item.id = `suggestion-${index}`;
      const code = document.createElement("code");
      code.textContent = each.text;
      const words = document.createElement("span");
      words.textContent = each.description;
      item.append(code, words);
      item.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        take(each.text);
      });
      return item;
    }));
    list.hidden = suggestions.length === 0;
    field.setAttribute("aria-expanded", String(!list.hidden));
    choose(-1);
  }

  field.addEventListener("input", ask);
  field.addEventListener("focus", ask);
  field.addEventListener("blur", hide);
  field.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const last = list.children.length - 1;
    if (event.key === "ArrowDown") choose(Math.min(at + 1, last));
    else if (event.key === "ArrowUp") choose(Math.max(at - 1, -1));
    else if (event.key === "Escape") hide();
    else if ((event.key === "Enter" && at >= 0) || (event.key === "Tab" && at >= 0)) take(list.children[at].firstChild.textContent);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
