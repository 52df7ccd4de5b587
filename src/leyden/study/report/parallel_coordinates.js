// Parallel coordinates: {axes: [{name, values: [a place for each run, or null if the setting was not searched], ticks?: names of places, log?}], runs: names, lowest}.
// The last axis is the metric. Axes stand side by side, or lie below one another where the page is narrow.
for (const figure of document.querySelectorAll(".parallel")) {
  const { axes, runs, lowest } = JSON.parse(figure.querySelector("script").textContent);
  const metric = axes.at(-1);
  const better = (a, b) => (lowest ? -1 : 1) * (metric.values[b] - metric.values[a]);
  const ranked = runs.map((_, run) => run).filter((run) => metric.values[run] !== null).sort(better); // the best first
  const plot = Object.assign(document.createElement("div"), { className: "plot", tabIndex: 0 });
  plot.setAttribute("role", "application");
  plot.setAttribute("aria-label", `${figure.dataset.alt}. Right and left step through the runs by rank, Escape leaves them.`);
  const readout = document.createElement("output");
  readout.setAttribute("aria-live", "polite");
  let lines = new Map(), node, rank = null;

  const text = (axis, place) => (place === null ? "none" : axis.ticks ? axis.ticks[place] : Charts.number(place));
  const short = (label, most) => (label.length > most ? `${label.slice(0, most - 1)}…` : label);

  const layout = (width) => {
    const isWide = width >= 110 * axes.length, last = axes.length - 1;
    const height = isWide ? 320 : 64 * axes.length;
    const gap = axes.some((axis) => axis.values.includes(null)) ? 26 : 0; // room below the lowest values for what was not searched
    const along = isWide ? [24, width - 90] : [28, height - 22]; // from the first axis to the last
    const across = isWide ? [height - 16 - gap, 40] : [14 + gap, width - 14]; // from the lowest value to the highest
    const scales = axes.map((axis) => {
      const range = axis.ticks ? [0, axis.ticks.length - 1] : Charts.range(axis.values.filter((one) => one !== null), axis.log, 0);
      return Charts.scale(...range, ...across, axis.log);
    });
    const place = (index, value) => {
      const a = along[0] + ((along[1] - along[0]) * index) / last, b = value === null ? across[0] + (isWide ? gap : -gap) : scales[index](value);
      return isWide ? [a, b] : [b, a];
    };
    return { isWide, height, across, scales, place };
  };

  const drawAxis = (axis, index, width, { isWide, across, scales, place }) => {
    const start = place(index, scales[index].invert(across[0])), end = place(index, scales[index].invert(across[1]));
    const group = Charts.svg("g", {});
    group.append(Charts.svg("line", { class: "axis", x1: start[0], y1: start[1], x2: end[0], y2: end[1] }));
    const step = isWide ? (width - 114) / (axes.length - 1) : width;
    const anchor = isWide && index ? (index === axes.length - 1 ? "end" : "middle") : "start";
    const at = isWide ? { x: index === axes.length - 1 ? width - 4 : index ? end[0] : 4, y: 16 } : { x: 4, y: start[1] - 10 };
    const name = Charts.svg("text", { ...at, class: "name", "text-anchor": anchor }, short(axis.name, Math.floor(step / 7)));
    name.append(Charts.svg("title", {}, axis.name));
    group.append(name);
    const ticks = axis.ticks ? axis.ticks.map((label, tick) => [tick, label]) : scales[index].ticks(isWide ? 5 : 4).map((tick) => [tick, Charts.number(tick)]);
    const room = isWide ? Math.floor((index === axes.length - 1 ? 84 : step - 12) / 7) : Math.max(3, Math.floor((width - 28) / ticks.length / 7));
    if (axis.values.includes(null)) ticks.push([null, "none"]);
    for (const [tick, label] of ticks) {
      const [x, y] = place(index, tick);
      const side = x < 40 ? "start" : x > width - 40 ? "end" : "middle";
      const where = isWide ? { x: x + 6, y: y + 4 } : { x: side === "start" ? 4 : side === "end" ? width - 4 : x, y: y + 16, "text-anchor": side };
      group.append(Charts.svg("text", where, short(label, room)));
    }
    return group;
  };

  const redraw = () => {
    const width = plot.clientWidth;
    if (!width) return;
    const made = layout(width);
    node = Charts.svg("svg", { viewBox: `0 0 ${width} ${made.height}`, "aria-hidden": "true" });
    lines = new Map();
    for (const run of [...ranked].reverse()) { // the best on top
      const share = ranked.length > 1 ? 1 - ranked.indexOf(run) / (ranked.length - 1) : 1;
      const points = axes.map((axis, index) => made.place(index, axis.values[run]));
      const path = points.map((point, index) => `${index ? "L" : "M"}${point.map((one) => one.toFixed(1)).join(" ")}`);
      const line = Charts.svg("path", { d: path.join(""), style: `stroke:color-mix(in oklab, var(--c1) ${Math.round(100 * share)}%, var(--c0))` });
      lines.set(run, { line, points });
      node.append(line);
    }
    axes.forEach((axis, index) => node.append(drawAxis(axis, index, width, made)));
    plot.replaceChildren(node);
    mark();
  };

  const mark = () => {
    const run = ranked[rank];
    node.classList.toggle("marked", rank !== null);
    for (const [other, { line }] of lines) line.classList.toggle("chosen", other === run);
    readout.textContent = rank === null ? "" : `${runs[run]} (${rank + 1} of ${ranked.length}): ` + axes.map((axis) => `${axis.name} ${text(axis, axis.values[run])}`).join(", ");
  };
  const choose = (next) => { rank = next; if (node) mark(); };

  // The distance of a point from a line between two others.
  const distance = ([x, y], [ax, ay], [bx, by]) => {
    const part = Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2 || 1)));
    return Math.hypot(x - ax - part * (bx - ax), y - ay - part * (by - ay));
  };
  const nearest = (event) => {
    const box = plot.getBoundingClientRect(), at = [event.clientX - box.left, event.clientY - box.top];
    let best = null, least = 24; // pixels
    for (const [run, { points }] of lines) {
      for (let index = 1; index < points.length; index++) {
        const away = distance(at, points[index - 1], points[index]);
        if (away <= least) [best, least] = [ranked.indexOf(run), away];
      }
    }
    return best;
  };

  const keys = {
    ArrowRight: () => Math.min((rank ?? -1) + 1, ranked.length - 1), ArrowLeft: () => Math.max((rank ?? 1) - 1, 0),
    Home: () => 0, End: () => ranked.length - 1, Escape: () => null,
  };
  plot.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    choose(keys[event.key]());
  });
  for (const kind of ["pointermove", "pointerdown"]) plot.addEventListener(kind, (event) => choose(nearest(event)));
  plot.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") choose(null); });
  figure.append(plot, readout);
  new ResizeObserver(redraw).observe(plot);
}
