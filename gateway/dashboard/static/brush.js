// Dragging over the histogram narrows the filter to that stretch of time.
export function startBrush() {
  let from = null;
  const chart = (target) => target.closest?.("[data-brush] svg");

  function place(svg, event) {
    const box = svg.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  }

  document.addEventListener("pointerdown", (event) => {
    const svg = chart(event.target);
    if (svg && event.button === 0) from = { svg, share: place(svg, event), moved: false };
  });
  document.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = place(from.svg, event);
    if (Math.abs(to - from.share) < 0.008 && !from.moved) return;
    from.moved = true;
    from.to = to;
    const brush = from.svg.querySelector(".brush");
    const width = from.svg.viewBox.baseVal.width;
    brush.setAttribute("x", String(Math.min(from.share, to) * width));
    brush.setAttribute("width", String(Math.abs(to - from.share) * width));
  });
  document.addEventListener("pointerup", () => {
    if (!from) return;
    const { svg, share, to, moved } = from;
    if (!moved) {
      from = null;
      return;
    }
    setTimeout(() => { from = null; });
    const { start, bucket, buckets } = svg.closest("[data-brush]").dataset;
    const instant = (each) => new Date(Date.parse(start) + each * Number(bucket) * Number(buckets)).toISOString().replace(/\.\d+Z/, "Z");
    const others = new URLSearchParams(location.search).get("filter") ?? "";
    const kept = others.split(/\s+/).filter((term) => term && !/^(since|until):/i.test(term));
    const filter = [...kept, `since:${instant(Math.min(share, to))}`, `until:${instant(Math.max(share, to))}`].join(" ");
    location.href = `${location.pathname}?${new URLSearchParams({ filter })}`;
  });
  // A drag that ends over a bar is no click on it.
  document.addEventListener("click", (event) => { if (from?.moved) event.preventDefault(); }, true);
  document.addEventListener("dragstart", (event) => { if (chart(event.target)) event.preventDefault(); });
}
