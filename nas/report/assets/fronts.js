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
    type: "scatter", mode: "lines", hoverinfo: "skip",
    x: members.flatMap((t) => [costOf(t), costOf(t), null]), y: members.flatMap((t) => [heightOf(t), t.value, null]),
  };
}

function errors(chosen, ink) {
  return { type: "data", array: chosen.map((t) => t.se ?? 0), color: ink, thickness: 1.2, width: 3 };
}

/** Whether the picture reaches down to what always answering the commonest class gives. */
const majorityShown = () => search.majority !== null && search.majority > search.limits[0] && search.majority < search.limits[1];

/** The value of always answering the commonest class, as a mark of a chart; none where the picture does not reach down to it. */
function majorityMarks() {
  if (!majorityShown()) return [];
  const look = { line: color("soft"), dash: "dot" };
  return [{
    key: "majority", label: `commonest class alone, ${unit(search.learned, written(search.learned, search.majority))}`, look,
    shapes: [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: search.majority, y1: search.majority, layer: "below", line: { color: look.line, width: 1.4, dash: look.dash } }],
  }];
}

/** A line of a chart that is nothing to point at. */
function stepLine(look, width, corners) {
  return { type: "scatter", mode: "lines", ...corners, line: { shape: "hv", color: look.line, width, dash: look.dash ?? "solid" }, hoverinfo: "skip" };
}

/** A ring around one network. */
function ring(look, size, trial) {
  return { type: "scatter", mode: "markers", x: [costOf(trial)], y: [heightOf(trial)], hoverinfo: "skip", marker: { ...marker(look, size), line: { width: 2.5, color: look.stroke } } };
}

/** All marks of the main picture that have something to draw, from back to front. */
function frontMarks(right) {
  const ink = color("ink");
  const many = trained.length > 400;
  const members = search.front.map((number) => trials.get(number));
  const baselines = trained.filter((t) => t.baseline !== null);
  const marks = [];
  const stopped = search.trials.filter((t) => t.state === "stopped" && isPlaced(t));
  if (stopped.length) {
    const look = { symbol: "x-thin", stroke: color("faint"), opacity: 0.7 };
    marks.push({ key: "stopped", label: "stopped early, not trained to the end", look, traces: [points(stopped, { marker: { ...marker(look, 7), line: { width: 1.3, color: look.stroke } } })] });
  }
  for (const style of search.kinds) {
    const own = trained.filter((t) => t.kind === style.name && t.baseline === null);
    if (!own.length) continue;
    const look = kindLook(style.name);
    const dots = own.filter((t) => !front.has(t.trial));
    const traces = dots.length ? [points(dots, { marker: { ...marker(look, kindSize(style.name, many ? 6 : 9)), opacity: many ? 0.4 : 0.6 } })] : [];
    // Members of the front are drawn last, but belong to the legend of their kind as well.
    marks.push({ key: style.name, label: `${style.label} (${own.length})`, look, traces });
  }
  if (search.observed.length) {
    const look = { line: color("faint"), dash: "dash" };
    marks.push({ key: "observed", label: "observed front, optimistic", look, traces: [stepLine(look, 1.2, steps(search.observed, right))] });
  }
  marks.push(...majorityMarks());
  const shifted = members.filter((t) => heightOf(t) !== t.value);
  if (shifted.length) {
    const look = { line: color("faint") };
    marks.push({ key: "shifts", label: "from expected to measured", look, traces: [{ ...shifts(shifted), line: { color: look.line, width: 1.2 } }] });
  }
  if (members.length) marks.push(memberMark(members, ink, right));
  const open = baselines.filter((t) => !front.has(t.trial));
  if (open.length) {
    const look = { symbol: "diamond", fill: color("ground"), stroke: ink };
    marks.push({ key: "baseline", label: "unchanged, settings not searched", look, traces: [points(open, { marker: marker(look, 12) })] });
  }
  const kept = baselines.filter((t) => front.has(t.trial));
  for (const kind of new Set(kept.map((t) => t.kind))) {
    const own = kept.filter((t) => t.kind === kind);
    const look = { symbol: "diamond", fill: kindColor(kind), stroke: ink };
    marks.push({ key: `baseline ${kind}`, label: "unchanged, on the front", look, traces: [points(own, { marker: marker(look, 12), error_y: errors(own, ink) })] });
  }
  return [...marks, ...ringMarks()];
}

/** The front: its line, and its members in the color and shape of their kind, with an outline. */
function memberMark(members, ink, right) {
  const over = search.objectives.length > 2 ? ` over ${search.objectives.length} objectives` : "";
  const look = { symbol: "circle", fill: color("card"), stroke: ink, line: ink, whisker: members.some((t) => t.se !== null) };
  const own = members.filter((t) => t.baseline === null);
  const outlined = points(own, {
    // Points of several sizes are bubbles to plotly, which it makes see-through unless told.
    marker: { opacity: 1, symbol: own.map((t) => kindShape(t.kind)), size: own.map((t) => kindSize(t.kind, 12)), color: own.map((t) => kindColor(t.kind)), line: { width: 1.8, color: ink } },
    error_y: errors(own, ink),
  });
  return {
    key: "front", look, label: `front${over} (outlined)${search.observed.length ? `, expected ${search.learned.words}` : ""}${look.whisker ? ", ±1 standard error" : ""}`,
    traces: [stepLine(look, 1.8, steps(search.line, right, heightOf)), ...(own.length ? [outlined] : [])],
  };
}

/** Rings around the network that is recommended, and around the one that the card describes. */
function ringMarks() {
  const marks = [];
  const best = search.recommended === null ? undefined : trials.get(search.recommended);
  if (best) {
    const look = { symbol: "square-open", stroke: color("good") };
    marks.push({ key: "recommended", label: `recommended: trial ${best.trial}`, look, traces: [ring(look, 27, best)] });
  }
  const chosen = trials.get(selected);
  if (chosen && isPlaced(chosen)) {
    const look = { symbol: "circle-open", stroke: color("accent") };
    marks.push({ key: "chosen", label: `on the card: trial ${chosen.trial}`, look, traces: [ring(look, 21, chosen)] });
  }
  return marks;
}

function frontParts(width) {
  const axisX = costAxis(trained.map(costOf), width);
  const marks = frontMarks(rightEnd(axisX));
  // What is drawn at the very back is of least interest.
  const named = [...marks.filter((mark) => mark.key !== "stopped"), ...marks.filter((mark) => mark.key === "stopped")];
  legend("front-legend", named, hiddenInFront, () => charts.get("front-chart")());
  const { data, shapes } = tracesOf(marks, hiddenInFront);
  const baselines = trained.filter((t) => t.baseline !== null);
  const layout = {
    xaxis: axisX,
    yaxis: axis(plain(search.learned.label), { range: search.limits }),
    shapes,
    annotations: !hiddenInFront.has("baseline") && width > 520 ? baselineLabels(baselines, axisX.range, width) : [],
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
      font: { size: 12, color: color("ink") }, bgcolor: color("veil"), captureevents: false,
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

function kindParts(width) {
  const axisX = costAxis(trained.map(costOf), width);
  const right = rightEnd(axisX);
  const marks = search.kinds.filter((style) => style.front.length).map((style) => {
    const own = style.front.map((number) => trials.get(number));
    const ink = kindColor(style.name);
    const look = { ...kindLook(style.name), line: ink, whisker: own.some((t) => t.se !== null) };
    return {
      key: style.name, label: `${style.label} (${style.trained})`, look,
      traces: [
        stepLine(look, 2, steps(style.front, right)),
        points(own, { y: own.map((t) => t.value), marker: marker(look, kindSize(style.name, 8)), error_y: { ...errors(own, ink), thickness: 1 } }),
      ],
    };
  });
  marks.push(...majorityMarks());
  legend("kinds-legend", marks, hiddenKinds, () => charts.get("kinds-chart")());
  const { data, shapes } = tracesOf(marks, hiddenKinds);
  return { data, layout: { xaxis: axisX, yaxis: axis(plain(search.learned.label), { range: search.limits }), shapes } };
}

/** Marks of the kinds that some networks have, for a legend of a chart that draws them in one go. */
function kindMarks(chosen, opacity = 1) {
  return search.kinds
    .filter((style) => chosen.some((t) => t.kind === style.name))
    .map((style) => ({ key: style.name, label: style.label, look: kindLook(style.name, opacity) }));
}
