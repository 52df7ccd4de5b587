// Charts as SVG. A chart is {x: names of the axes, series: [{name, group?, color, x: [positions by axis], y}], points?, ticks?, log_x?}.
const Charts = (() => {
  const HEIGHT = 260, LEFT = 62, RIGHT = 14, TOP = 10, BOTTOM = 34;

  const svg = (tag, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };

  const number = (value) => {
    if (value === null) return "not finite";
    const size = Math.abs(value);
    if (size && (size < 1e-3 || size >= 1e6)) return Number(value.toPrecision(3)).toExponential().replace("e+", "e");
    return String(Number(value.toPrecision(5)));
  };

  const linearTicks = (low, high, count) => {
    const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw);
    const first = Math.ceil(low / step - 1e-9);
    return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, place) => (first + place) * step);
  };

  const logTicks = (low, high, count) => {
    const decades = Math.log10(high / low);
    if (decades < 1) return linearTicks(low, high, count);
    const factors = decades > 3 ? [1] : [1, 2, 5], found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) found.push(...factors.map((f) => f * 10 ** power));
    return found.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
  };

  // Maps values of [low, high] to positions of [start, end].
  const scale = (low, high, start, end, isLog) => {
    const to = isLog ? Math.log10 : (value) => value;
    const back = isLog ? (value) => 10 ** value : (value) => value;
    const span = to(high) - to(low) || 1;
    const map = (value) => start + ((to(value) - to(low)) / span) * (end - start);
    map.invert = (position) => back(to(low) + ((position - start) / (end - start)) * span);
    map.ticks = (count) => (isLog ? logTicks : linearTicks)(low, high, count);
    return map;
  };

  const range = (values, isLog, margin) => {
    let [low, high] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
    if (low > high) return isLog ? [0.1, 1] : [0, 1];
    if (isLog) { const by = (high / low) ** margin; return low === high ? [low / 2, high * 2] : [low / by, high * by]; }
    const by = (high - low) * margin || Math.abs(low) * 0.1 || 1;
    return [low - by, high + by];
  };

  // The points of a series that can be shown; runs of them are drawn as lines, with gaps where a value is not finite.
  const points = (series, view) => series.y.map((y, place) => {
    const x = series.x[view.axis][place];
    return y === null || (view.logY && y <= 0) || (view.logX && x <= 0) ? null : { x, y, place };
  });

  const draw = (chart, view, width) => {
    const shown = chart.series.filter((series) => !view.hidden.has(series.group ?? series.name)).map((series) => ({ series, points: points(series, view) }));
    const all = shown.flatMap((one) => one.points).filter(Boolean);
    const [low, high] = view.zoom ?? range(all.map((point) => point.x), view.logX, chart.points ? 0.06 : 0);
    const inside = all.filter((point) => point.x >= low && point.x <= high);
    const x = scale(low, high > low ? high : low + 1, LEFT, width - RIGHT, view.logX);
    const y = scale(...range(inside.map((point) => point.y), view.logY, 0.06), HEIGHT - BOTTOM, TOP, view.logY);
    const node = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, "aria-hidden": "true" });
    for (const tick of y.ticks(5)) {
      node.append(svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }));
      node.append(svg("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, number(tick)));
    }
    const ticks = chart.ticks ?? x.ticks(Math.max(2, Math.floor(width / 90))).map((tick) => [tick, number(tick)]);
    const room = Math.max(3, Math.floor((width - LEFT - RIGHT) / (ticks.length || 1) / 7));
    for (const [tick, name] of ticks) {
      const text = chart.ticks && name.length > room ? `${name.slice(0, room - 1)}…` : name;
      node.append(svg("text", { x: x(tick), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, text));
    }
    node.append(svg("text", { x: (LEFT + width - RIGHT) / 2, y: HEIGHT - 3, "text-anchor": "middle" }, chart.x[view.axis]));
    const clip = `clip-${Math.random().toString(36).slice(2)}`;
    const frame = svg("clipPath", { id: clip });
    frame.append(svg("rect", { x: LEFT - 4, y: 0, width: Math.max(0, width - LEFT - RIGHT + 8), height: HEIGHT - BOTTOM + 4 }));
    const area = svg("g", { "clip-path": `url(#${clip})` });
    for (const { series, points: found } of shown) {
      const color = `var(--c${series.color % 8})`, visible = found.filter(Boolean);
      if (!chart.points) {
        const path = found.map((point, place) => point && `${found[place - 1] ? "L" : "M"}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`);
        area.append(svg("path", { d: path.filter(Boolean).join(""), style: `stroke:${color}`, "stroke-dasharray": ["", "6 3", "2 2", "8 3 2 3"][Math.floor(series.color / 8) % 4] }));
      }
      if (chart.points || visible.length <= 40) {
        for (const point of visible) area.append(svg("circle", { cx: x(point.x), cy: y(point.y), r: chart.points ? 5 : 2.6, style: `fill:${color}` }));
      }
    }
    node.append(frame, area);
    return { node, x, y, shown, low, high, left: LEFT, right: width - RIGHT, bottom: HEIGHT - BOTTOM, top: TOP };
  };

  return { draw, number, range, scale, svg };
})();
