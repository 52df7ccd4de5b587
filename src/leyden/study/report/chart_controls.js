// What can be done with a chart: pointer, keys, axes, and which series are shown.
for (const figure of document.querySelectorAll(".chart:not(.parallel)")) {
  const chart = JSON.parse(figure.querySelector("script").textContent);
  const title = figure.querySelector("h3").textContent;
  const view = { axis: 0, logX: Boolean(chart.log_x), logY: false, zoom: null, hidden: new Set() };
  const make = (tag, properties, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };
  const plot = make("div", { className: "plot", tabIndex: 0, role: "application" });
  plot.setAttribute("aria-label", `${title}: ${figure.dataset.alt}. Left and right read values, + and - zoom, 0 shows all.`);
  const readout = make("output", {});
  const tools = make("div", { className: "tools" });
  const legend = make("div", { className: "legend" });
  let drawn, cursor = null, start = null;

  const redraw = () => {
    const width = plot.clientWidth;
    if (!width) return; // folded away; drawn when it is opened
    drawn = Charts.draw(chart, view, width);
    plot.replaceChildren(drawn.node);
    reset.disabled = !view.zoom;
    if (cursor) point();
    else readout.textContent = drawn.shown.some((one) => one.points.some(Boolean)) ? "" : "There is nothing to show on these axes.";
  };

  // The points under the cursor: those of each series, or of the nearest if there are many.
  const nearest = () => {
    const found = drawn.shown.map(({ series, points }) => {
      let best = null, least = Infinity;
      for (const point of points) {
        if (!point) continue;
        const away = Math.abs(drawn.x(point.x) - cursor.x) + (chart.points && cursor.y !== undefined ? Math.abs(drawn.y(point.y) - cursor.y) : 0);
        if (away < least) [best, least] = [point, away];
      }
      return best && { series, point: best, away: least, rise: cursor.y === undefined ? 0 : Math.abs(drawn.y(best.y) - cursor.y) };
    }).filter(Boolean);
    if (!chart.points && found.length <= 4) return found;
    return found.sort((a, b) => a.away + a.rise - b.away - b.rise).slice(0, 1);
  };

  const point = () => {
    drawn.node.querySelectorAll(".mark").forEach((node) => node.remove());
    const found = nearest();
    if (!found.length) return;
    const x = drawn.x(found[0].point.x), mark = Charts.svg("g", { class: "mark" });
    mark.append(Charts.svg("line", { class: "cursor", x1: x, x2: x, y1: drawn.top, y2: drawn.bottom }));
    for (const { series, point: one } of found) mark.append(Charts.svg("circle", { cx: drawn.x(one.x), cy: drawn.y(one.y), r: 4.5, style: `fill:var(--c${series.color % 8})` }));
    if (start !== null && Math.abs(start - cursor.x) > 4) mark.append(Charts.svg("rect", { class: "zoom", x: Math.min(start, cursor.x), width: Math.abs(start - cursor.x), y: drawn.top, height: drawn.bottom - drawn.top }));
    drawn.node.append(mark);
    const places = new Set(found.map((one) => one.point.x));
    const at = (one) => (chart.ticks?.find(([place]) => place === one.x)?.[1] ?? Charts.number(one.x));
    const common = places.size === 1 ? `${chart.x[view.axis]} ${at(found[0].point)}: ` : "";
    readout.textContent = common + found.map(({ series, point: one }) => `${series.name} ${Charts.number(one.y)}${common ? "" : ` at ${at(one)}`}`).join(", ");
  };

  const zoom = (low, high) => { view.zoom = low < high ? [low, high] : null; redraw(); };

  const scaled = (factor) => {
    const middle = cursor ? drawn.x.invert(cursor.x) : (drawn.low + drawn.high) / 2;
    zoom(middle - (middle - drawn.low) * factor, middle + (drawn.high - middle) * factor);
  };

  // The next position at which a shown series has a value.
  const step = (sign) => {
    const positions = [...new Set(drawn.shown.flatMap((one) => one.points).filter((one) => one && one.x >= drawn.low && one.x <= drawn.high).map((one) => drawn.x(one.x)))].sort((a, b) => a - b);
    const ahead = (one) => !cursor || sign * (one - cursor.x) > 0.5;
    const next = sign > 0 ? positions.find(ahead) : positions.findLast(ahead);
    if (next === undefined) return;
    cursor = { x: next };
    point();
  };

  const keys = {
    ArrowRight: () => step(1), ArrowLeft: () => step(-1), "+": () => scaled(0.5), "=": () => scaled(0.5), "-": () => scaled(2),
    0: () => zoom(0, 0), Escape: () => zoom(0, 0),
  };
  plot.addEventListener("keydown", (event) => {
    if (!drawn || !keys[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  const place = (event) => {
    const box = plot.getBoundingClientRect();
    return { x: Math.min(Math.max(event.clientX - box.left, drawn.left), drawn.right), y: event.clientY - box.top };
  };
  plot.addEventListener("pointerdown", (event) => { cursor = place(event); start = cursor.x; plot.setPointerCapture(event.pointerId); });
  plot.addEventListener("pointermove", (event) => { if (drawn) { cursor = place(event); point(); } });
  plot.addEventListener("pointerup", () => {
    const [low, high] = [start, cursor.x].sort((a, b) => a - b).map(drawn.x.invert);
    const isDrag = Math.abs(start - cursor.x) > 8 && !chart.ticks;
    start = null;
    if (isDrag) zoom(low, high);
    else point();
  });
  plot.addEventListener("pointercancel", () => { start = null; });
  plot.addEventListener("pointerleave", () => { if (start === null && drawn) { cursor = null; redraw(); } });
  plot.addEventListener("dblclick", () => zoom(0, 0));

  const reset = make("button", { type: "button", textContent: "Show all", disabled: true });
  reset.addEventListener("click", () => zoom(0, 0));
  if (chart.x.length > 1) {
    const select = make("select", {}, ...chart.x.map((name, value) => make("option", { value, textContent: name })));
    select.addEventListener("change", () => { view.axis = Number(select.value); view.zoom = cursor = null; redraw(); });
    tools.append(make("label", {}, "by ", select));
  }
  const box = make("input", { type: "checkbox" });
  box.addEventListener("change", () => { view.logY = box.checked; redraw(); });
  const logarithmic = make("label", {}, box, " log");
  logarithmic.title = "logarithmic axis";
  tools.append(logarithmic, reset);
  if (!chart.points && chart.series.length > 1) {
    for (const [name, color] of new Map(chart.series.map((series) => [series.group ?? series.name, series.color]))) {
      const button = make("button", { type: "button", textContent: name });
      button.style.setProperty("--color", `var(--c${color % 8})`);
      button.ariaPressed = "true";
      button.addEventListener("click", () => {
        view.hidden[view.hidden.has(name) ? "delete" : "add"](name);
        button.ariaPressed = String(!view.hidden.has(name));
        redraw();
      });
      legend.append(button);
    }
  }
  figure.append(tools, plot, readout, legend);
  new ResizeObserver(redraw).observe(plot);
}
