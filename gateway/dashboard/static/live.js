// Live pages: the server sends what changed. A hidden page lets go of its connection, since browsers have few.
import { applyTexts } from "./live_queues.js";
import { startTimes } from "./times.js";
import { renew } from "./renew.js";

const QUIET_MS = 400;
let source = null;
let failures = 0;

function say(text) {
  const place = document.getElementById("connection");
  if (!place) return;
  place.textContent = text;
  place.hidden = !text;
}

function receive(screen, event) {
  const told = JSON.parse(event.data);
  failures = 0;
  say(told.away ? "Redis can't be reached: what you see is the last that was known. It goes on by itself." : "");
  if (screen === "queues") applyTexts(told.texts);
  else if (Object.keys(told.texts).length) renew();
}

function connect(screen, id) {
  if (source || document.hidden) return;
  const query = new URLSearchParams({ screen, ...(id ? { id } : {}) });
  source = new EventSource(`/dashboard/live?${query}`);
  source.addEventListener("live", (event) => receive(screen, event));
  source.addEventListener("ended", () => {
    close();
    location.assign(`/dashboard/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  });
  source.addEventListener("open", () => { failures = 0; });
  source.addEventListener("error", () => {
    failures += 1;
    if (failures > 1) say("The connection is gone: what you see stands still. Trying again …");
    if (source && source.readyState === EventSource.CLOSED) {
      close();
      setTimeout(() => connect(screen, id), Math.min(2000 * failures, 30000));
    }
  });
}

function close() {
  source?.close();
  source = null;
}

export function startLive() {
  startTimes();
  const { live: screen, liveId: id, every } = document.body.dataset;
  if (every) setInterval(() => { if (!document.hidden) renew(); }, Number(every) * 1000);
  if (!screen) return;
  connect(screen, id);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else setTimeout(() => connect(screen, id), QUIET_MS);
  });
  window.addEventListener("pagehide", close);
}
