// The main picture, and one front per kind.

const hiddenInFront = new Set();
const hiddenKinds = new Set();
const trained = search.trained.map((number) => trials.get(number));
const costOf = (trial) => trial.quantities[search.cost.name];
/** Whether a network has a place in the pictures: on a logarithmic axis a cost of 0 has none. */
const isPlaced = (trial) => trial.value !== null && costOf(trial) !== undefined && (costOf(trial) > 0 || !search.cost.log);
/** Where a network is drawn: members of the front at what is expected, the others at what was measured. */
const heightOf = (trial) => (front.has(trial.trial) ? trial.expected ?? trial.value : trial.value);
/** Whether one value of the learned objective is better than another. */
const isBetter = (one, other) => (search.learned.direction === "maximize" ? one > other : one < other);

function hover(trial) {
  const lines = [
    `<b>Trial ${trial.trial}</b>${trial.baseline ? " · " + plain(trial.baseline) : ""}${front.has(trial.trial) ? " · on the front" : ""}`,
    plain(trial.description).replace(/(.{60}[^ ]*) /g, "$1<br>"),
    [plain(unit(search.learned, measured(trial))) + expectation(trial),
      ...search.costs.filter((cost) => cost.name in trial.quantities).map((cost) => plain(costText(cost, trial)))].join(" · "),
  ];
  if (trial.state === "stopped") lines.push(`stopped after ${plural(trial.epochs, "epoch")}`);
  return lines.join("<br>");
}

/** A cost with its unit, or with its name where it has none. */
function costText(cost, trial) {
  const text = written(cost, trial.quantities[cost.name]);
  return cost.unit ? `${text} ${cost.unit}` : `${cost.words} ${text}`;
}

function expectation(trial) {
  if (trial.expected === null) return "";
  const often = trial.trainings > 1 ? `mean of ${trial.trainings} trainings` : "measured once";
  return ` (${often}), expected ${plain(unit(search.learned, written(search.learned, trial.expected)))}`;
}

function points(chosen, more) {
  return {
    type: "scatter",
    mode: "markers",
    x: chosen.map(costOf),
    y: chosen.map(heightOf),
    customdata: chosen.map((trial) => trial.trial),
    text: chosen.map(hover),
    hovertemplate: "%{text}<extra></extra>",
    ...more,
  };
}

function steps(numbers, right, height = (trial) => trial.value) {
  const chosen = numbers.map((number) => trials.get(number));
  return { x: [...chosen.map(costOf), right], y: [...chosen, chosen.at(-1)].map(height) };
}

/** Thin lines from what is expected of the members of the front to what was measured. */
function shifts(members) {
  return {
    type: "scatter", mode: "lines", hoverinfo: "skip", line: { color: color("faint"), width: 1.2 },
    x: members.flatMap((t) => [costOf(t), costOf(t), null]), y: members.flatMap((t) => [heightOf(t), t.value, null]),
  };
}

function errors(chosen, ink) {
  return { type: "data", array: chosen.map((t) => t.se ?? 0), color: ink, thickness: 1.2, width: 3 };
}

/** Whether the picture reaches down to what always answering the commonest class gives. */
const majorityShown = () => search.majority !== null && search.majority > search.limits[0] && search.majority < search.limits[1];

function majorityLine() {
  if (!majorityShown()) return [];
  return [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: search.majority, y1: search.majority, layer: "below", line: { color: color("soft"), width: 1.4, dash: "dot" } }];
}

function frontParts(width) {
  const ink = color("ink");
  const many = trained.length > 400;
  const axisX = costAxis(trained.map(costOf), width);
  const right = rightEnd(axisX);
  const shown = (key) => !hiddenInFront.has(key);
  const data = [];
  const stopped = search.trials.filter((t) => t.state === "stopped" && isPlaced(t));
  if (stopped.length && shown("stopped")) {
    data.push(points(stopped, { marker: { symbol: "x-thin", size: 7, line: { width: 1.3, color: color("faint") } }, opacity: 0.7 }));
  }
  for (const style of search.kinds) {
    const own = trained.filter((t) => t.kind === style.name && !front.has(t.trial) && t.baseline === null);
    if (!own.length || !shown(style.name)) continue;
    data.push(points(own, { marker: { symbol: style.shape, size: kindSize(style.name, many ? 6 : 9), color: kindColor(style.name), opacity: many ? 0.4 : 0.6, line: { width: 0 } } }));
  }
  if (shown("observed") && search.observed.length) {
    data.push({ type: "scatter", mode: "lines", ...steps(search.observed, right), line: { shape: "hv", color: color("faint"), width: 1.2, dash: "dash" }, hoverinfo: "skip" });
  }
  if (shown("front") && search.front.length) {
    data.push(shifts(search.front.map((number) => trials.get(number))));
    data.push({ type: "scatter", mode: "lines", ...steps(search.line, right, heightOf), line: { shape: "hv", color: ink, width: 1.8 }, hoverinfo: "skip" });
    const members = search.front.map((number) => trials.get(number)).filter((t) => t.baseline === null);
    data.push(points(members, {
      // Points of several sizes are bubbles to plotly, which it makes see-through unless told.
      marker: { opacity: 1, symbol: members.map((t) => kindShape(t.kind)), size: members.map((t) => kindSize(t.kind, 12)), color: members.map((t) => kindColor(t.kind)), line: { width: 1.8, color: ink } },
      error_y: errors(members, ink),
    }));
  }
  const baselines = trained.filter((t) => t.baseline !== null);
  if (shown("baseline") && baselines.length) {
    data.push(points(baselines, {
      marker: {
        symbol: "diamond", size: 12, line: { width: 1.8, color: ink },
        color: baselines.map((t) => (front.has(t.trial) ? kindColor(t.kind) : color("ground"))),
      },
      error_y: errors(baselines.map((t) => (front.has(t.trial) ? t : { se: 0 })), ink),
    }));
  }
  const chosen = trials.get(selected);
  if (chosen && isPlaced(chosen)) {
    data.push({
      type: "scatter", mode: "markers", x: [costOf(chosen)], y: [heightOf(chosen)], hoverinfo: "skip",
      marker: { symbol: "circle-open", size: 22, color: color("accent"), line: { width: 2.5 } },
    });
  }
  const layout = {
    xaxis: axisX,
    yaxis: axis(plain(search.learned.label), { range: search.limits }),
    shapes: shown("majority") ? majorityLine() : [],
    annotations: shown("baseline") && width > 520 ? baselineLabels(baselines, axisX.range, width) : [],
  };
  return { data, layout };
}

/** The names of the baselines where they cover least: the lower right of a point first, then around it and further out. */
function baselineLabels(baselines, range, width) {
  const height = byId("front-chart").clientHeight;
  const place = (t) => [
    ((axisPlace(costOf(t)) - range[0]) / (range[1] - range[0])) * (width - 75),
    (1 - (heightOf(t) - search.limits[0]) / (search.limits[1] - search.limits[0])) * (height - 65),
  ];
  const seen = trained.length < 80 ? trained : [...search.front.map((number) => trials.get(number)), ...baselines];
  const obstacles = [...seen.map(place), ...along(search.line.map((number) => place(trials.get(number))))];
  const ruler = document.createElement("canvas").getContext("2d");
  ruler.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const taken = [];
  return baselines.map((t) => {
    const [x, y] = place(t);
    const half = ruler.measureText(t.baseline).width / 2 + 3;
    let best = null;
    for (const distance of [17, 30, 48, 70]) {
      for (const [across, down] of [[1, 0.7], [1, 0], [-1, 0.7], [0, 1], [-1, 0], [1, -0.7], [0, -1]]) {
        const box = { dx: across * (half + distance * 0.6), dy: down * (distance + 4) };
        const left = x + box.dx - half;
        const top = y + box.dy - 9;
        const outside = left < 0 || left + 2 * half > width - 75 || top < 0 || top + 18 > height - 65;
        const labels = taken.filter((o) => o.left < left + 2 * half && left < o.right && Math.abs(o.top - top) < 18).length;
        const covered = obstacles.filter(([ox, oy]) => ox > left - 7 && ox < left + 2 * half + 7 && Math.abs(oy - top - 9) < 13).length;
        const cost = 1000 * labels + 500 * outside + 30 * covered + distance / 20;
        if (best === null || cost < best.cost) best = { ...box, cost, left, right: left + 2 * half, top };
      }
    }
    taken.push(best);
    return {
      x: axisPlace(costOf(t)), y: heightOf(t), text: plain(t.baseline), ax: best.dx, ay: best.dy, showarrow: true,
      arrowhead: 0, arrowwidth: 0.8, standoff: 8,
      arrowcolor: Math.abs(best.dy) > 28 || Math.abs(best.dx) > half + 24 ? color("faint") : "rgba(0,0,0,0)",
      font: { size: 12, color: color("ink") }, captureevents: false,
    };
  });
}

/** Points every ten pixels of a step line through these corners. */
function along(corners) {
  const found = [];
  corners.slice(1).forEach(([x, y], k) => {
    const [left, low] = corners[k];
    for (let step = left; step < x; step += 10) found.push([step, low]);
    const down = y < low ? -10 : 10;
    for (let step = low; (y - step) * down > 0; step += down) found.push([x, step]);
  });
  return found;
}

function frontLegend() {
  const entries = search.kinds
    .filter((style) => style.trained)
    .map((style) => ({ key: style.name, label: `${style.label} (${style.trained})`, color: () => kindColor(style.name), shape: style.shape }));
  if (search.front.length) {
    const over = search.objectives.length > 2 ? ` over ${search.objectives.length} objectives` : "";
    entries.push({ key: "front", label: `front${over}${search.observed.length ? `, expected ${search.learned.words}` : ""}, ±1 standard error`, color: () => color("ink"), shape: "line" });
  }
  if (search.observed.length) {
    entries.push({ key: "observed", label: "observed front, optimistic", color: () => color("faint"), shape: "dashes" });
  }
  if (majorityShown()) {
    entries.push({ key: "majority", label: `commonest class alone, ${unit(search.learned, written(search.learned, search.majority))}`, color: () => color("soft"), shape: "dashes" });
  }
  if (trained.some((t) => t.baseline !== null)) {
    entries.push({ key: "baseline", label: "unchanged, settings not searched", color: () => color("card"), shape: "diamond" });
  }
  if (search.trials.some((t) => t.state === "stopped" && t.value !== null)) {
    entries.push({ key: "stopped", label: "stopped early, not trained to the end", color: () => color("faint") });
  }
  legend("front-legend", entries, hiddenInFront, () => charts.get("front-chart")());
}

function kindParts(width) {
  const axisX = costAxis(trained.map(costOf), width);
  const right = rightEnd(axisX);
  const data = [];
  for (const style of search.kinds) {
    if (!style.front.length || hiddenKinds.has(style.name)) continue;
    const own = style.front.map((number) => trials.get(number));
    const ink = kindColor(style.name);
    data.push({ type: "scatter", mode: "lines", ...steps(style.front, right), line: { shape: "hv", color: ink, width: 2 }, hoverinfo: "skip" });
    data.push(points(own, { y: own.map((t) => t.value), marker: { symbol: style.shape, size: kindSize(style.name, 8), color: ink }, error_y: { ...errors(own, ink), thickness: 1 } }));
  }
  return { data, layout: { xaxis: axisX, yaxis: axis(plain(search.learned.label), { range: search.limits }), shapes: majorityLine() } };
}

function kindLegend() {
  const entries = search.kinds
    .filter((style) => style.front.length)
    .map((style) => ({ key: style.name, label: `${style.label} (${style.trained})`, color: () => kindColor(style.name), shape: "line" }));
  legend("kinds-legend", entries, hiddenKinds, () => charts.get("kinds-chart")());
}
