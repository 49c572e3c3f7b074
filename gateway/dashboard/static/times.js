// Keeps "3 min ago" true while a page stands open.
const STEPS = [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]];

function words(seconds) {
  const size = Math.abs(seconds);
  if (size < 1) return "now";
  let text = `${Math.round(size)} s`;
  for (const [unit, name, smaller, smallerName] of STEPS) {
    if (size < unit) continue;
    const rest = Math.floor((size % unit) / smaller);
    text = `${Math.floor(size / unit)} ${name}` + (name !== "min" && rest ? ` ${rest} ${smallerName}` : "");
    break;
  }
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

export function startTimes() {
  setInterval(() => {
    if (document.hidden) return;
    for (const each of document.querySelectorAll("time[datetime]:not(.clock)")) {
      const text = words((Date.now() - Date.parse(each.dateTime)) / 1000);
      if (each.textContent !== text) each.textContent = text;
    }
  }, 1000);
}
