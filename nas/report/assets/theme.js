// Colors follow the style sheet, so that charts turn dark with the page and light on paper.

const darkness = window.matchMedia("(prefers-color-scheme: dark)");
const charts = new Map();
let printing = false;

function dark() {
  return darkness.matches && !printing;
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function kindColor(name) {
  const style = styles.get(name);
  return dark() ? style.dark : style.light;
}

function kindShape(name) {
  return styles.get(name).shape;
}

/** The size at which a point of this kind looks as large as a circle of the given one. */
function kindSize(name, size) {
  return ({ star: 1.35, "triangle-up": 1.2, "triangle-down": 1.2 }[kindShape(name)] ?? 1) * size;
}

/** Draws a chart now and whenever colors or width change; `parts` gives {data, layout}. */
function chart(id, parts, clicked = null) {
  const element = byId(id);
  const redraw = () => {
    const { data, layout } = parts(element.clientWidth);
    return Plotly.react(element, data, { ...base(), ...layout }, { displayModeBar: false, responsive: false, doubleClick: "reset" });
  };
  charts.set(id, redraw);
  redraw();
  if (clicked) element.on("plotly_click", (event) => clicked(event.points[0]));
}

const MANY = 300;
const waiting = new Map();
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) drawWaiting(entry.target.id);
}, { rootMargin: "600px" });

/** Draws a chart: at once, or in a search of many trials when it comes near the window, so that the page opens quickly. */
function chartInTime(id, parts, clicked = null) {
  if (trained.length <= MANY) {
    chart(id, parts, clicked);
    return;
  }
  waiting.set(id, () => chart(id, parts, clicked));
  watcher.observe(byId(id));
}

function drawWaiting(id) {
  watcher.unobserve(byId(id));
  const drawing = waiting.get(id);
  waiting.delete(id);
  if (drawing) drawing();
}

function drawAllWaiting() {
  for (const id of [...waiting.keys()]) drawWaiting(id);
}

function base() {
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: color("soft") },
    margin: { l: 56, r: 12, t: 12, b: 52 },
    showlegend: false,
    hovermode: "closest",
    dragmode: "zoom",
    hoverlabel: { bgcolor: color("card"), bordercolor: color("rule"), font: { color: color("ink"), size: 13 }, align: "left" },
    uirevision: "keep",
  };
}

function axis(title, more = {}) {
  return {
    title: { text: title, standoff: 10 },
    gridcolor: color("grid"),
    linecolor: color("rule"),
    zerolinecolor: color("rule"),
    zeroline: false,
    automargin: true,
    ...more,
  };
}

/** Round values between two ends of a logarithmic axis, as many as fit beside each other. */
function logTicks(low, high, most) {
  let ticks = [];
  for (const mantissas of [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9]]) {
    const found = [];
    for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.log10(high); exponent += 1) {
      for (const mantissa of mantissas) {
        const value = Number((mantissa * 10 ** exponent).toPrecision(6));
        if (value >= low && value <= high) found.push(value);
      }
    }
    if (ticks.length >= 2 && found.length > most) break;
    ticks = found;
  }
  return ticks;
}

/** A tick without needless zeros, such as 3M. */
function tick(value) {
  for (const [scale, suffix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (value >= scale) return Number((value / scale).toPrecision(4)) + suffix;
  }
  return String(value);
}

/** The axis of cost over these values, logarithmic where its quantity is. */
function costAxis(values, width) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (search.cost.log) return axis(plain(search.cost.label), logScale(low, high, width));
  const room = 0.05 * (high - low) || Math.abs(high) || 1;
  return axis(plain(search.cost.label), { range: [low - room, high + room], nticks: Math.max(3, Math.round(width / 90)) });
}

/** Where a cost stands on its axis, in the axis' own numbers. */
function axisPlace(cost) {
  return search.cost.log ? Math.log10(cost) : cost;
}

/** The cost at the right end of an axis. */
function rightEnd(costs) {
  return search.cost.log ? 10 ** costs.range[1] : costs.range[1];
}

/** A logarithmic scale with round ticks such as 1M, 2M, 5M and a little room at both ends. */
function logScale(low, high, width) {
  const span = Math.log10(high / low);
  const room = Math.max(0.05 * span, (0.2 - span) / 2);
  const range = [Math.log10(low) - room, Math.log10(high) + room];
  const ticks = logTicks(10 ** range[0], 10 ** range[1], width / 75);
  return { type: "log", range, tickvals: ticks, ticktext: ticks.map(tick) };
}

function redrawAll() {
  for (const redraw of charts.values()) redraw();
}
