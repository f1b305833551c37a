// What the search says about kinds of networks and decisions, and how far it came.

const told = search.legend;
const classWord = capital(told.noun);

/** Says by what networks are told apart, and which of them are compared, as the space says it. */
function namePeers() {
  byId("peers-title").textContent = `Beside the best ${told.unchanged} network of no greater cost`;
  byId("kinds").dataset.nav = `${classWord}s`;
  byId("kinds-title").textContent = `One front per ${told.noun}`;
  byId("kinds-lead").textContent =
    `${told.membership} A kind that was trained more often had more chances: the number of networks is in brackets.`.trim();
}

function showPeers() {
  const { pairs } = search;
  const known = pairs.filter((pair) => pair.standard_error !== null);
  const better = known.filter((pair) => pair.resolved && pair.better).length;
  const worse = known.filter((pair) => pair.resolved && !pair.better).length;
  const chance = 0.046 * known.length;
  const compared = told.comparison;
  byId("peers-lead").textContent = known.length
    ? `${compared} Of ${plural(known.length, "pair")}, ${better} ` +
      `${better === 1 ? "is" : "are"} better and ${worse} worse by more than twice the standard error of the difference; about ` +
      `${chance.toFixed(chance < 10 ? 1 : 0)} would be so by chance if there were no difference. The two of a pair also differ in other ` +
      `decisions, so this compares networks, not ${told.compared} alone.`
    : `${compared} No standard error of ${search.learned.words} is known, so none of these differences can be called real.`;
  chartInTime("peers-chart", peerParts, (point) => select(point.customdata));
  const columns = [
    column("trial", "Trial", (pair) => pair.trial, { button: true }),
    column("kind", classWord, (pair) => styles.get(pair.kind).label),
    column("value", search.learned.title, (pair) => trials.get(pair.trial).value, { number: true, show: (pair) => measured(trials.get(pair.trial)) }),
    column("peer", `${capital(told.unchanged)} peer`, (pair) => pair.peer, { number: true }),
    column("its", unit(search.learned, `Its ${search.learned.words}`), (pair) => trials.get(pair.peer).value, { number: true, show: (pair) => measured(trials.get(pair.peer)) }),
    column("tuned", "Its training", (pair) => Number(pair.tuned), { show: (pair) => (pair.tuned ? "searched" : "as given, not searched") }),
    column("training", "Differs in", (pair) => pair.training.length, { show: (pair) => pair.training.map(([name, own, other]) => `${name} ${shortly(own)}, not ${shortly(other)}`).join("; ") }),
    column("ratio", "Cost ratio", (pair) => pair.cost_ratio, { number: true, show: (pair) => pair.cost_ratio.toFixed(2) + "×" }),
    column("difference", "Difference", (pair) => pair.difference, { number: true, show: showDifference }),
    column("real", "Resolved", (pair) => Number(pair.resolved), { show: (pair) => (pair.resolved ? "yes" : "no") }),
  ];
  sortable("peers-table", columns, { key: "trial", row: (pair) => pair.trial }).show(pairs);
}

function showDifference(pair) {
  const error = pair.standard_error === null ? "" : " ± " + writtenError(search.learned, pair.standard_error);
  const tone = pair.resolved ? (pair.better ? "up" : "down") : "";
  return make("span", { class: tone }, signedDifference(pair.difference) + error);
}

function peerParts(width) {
  const { pairs } = search;
  const open = pairs.some((pair) => !pair.resolved);
  const full = pairs.some((pair) => pair.resolved);
  legend("peers-legend", [
    ...kindMarks(pairs.map((pair) => trials.get(pair.trial))),
    ...(full ? [{ key: "resolved", label: "filled: more than 2 standard errors", look: { symbol: "circle", fill: color("soft"), stroke: color("soft") } }] : []),
    ...(open ? [{ key: "unresolved", label: "hollow: less", look: { symbol: "circle", fill: color("ground"), stroke: color("soft") } }] : []),
  ]);
  const shade = (pair) => kindColor(pair.kind);
  const data = [{
    type: "scatter",
    mode: "markers",
    x: pairs.map((pair) => costOf(trials.get(pair.trial))),
    y: pairs.map((pair) => pair.difference),
    customdata: pairs.map((pair) => pair.trial),
    text: pairs.map((pair) =>
      `<b>Trial ${pair.trial}</b>, ${plain(styles.get(pair.kind).label)}, against ${told.unchanged} trial ${pair.peer}<br>` +
      `${signedDifference(pair.difference)}${pair.standard_error === null ? "" : " ± " + writtenError(search.learned, pair.standard_error)} ${plain(search.learned.difference_unit)} at ` +
      `${pair.cost_ratio.toFixed(2)}× the cost: ${pair.resolved ? "resolved" : "not resolved"}${pair.tuned ? "" : "; its training settings were not searched"}`),
    hovertemplate: "%{text}<extra></extra>",
    marker: {
      opacity: 1,
      symbol: pairs.map((pair) => kindShape(pair.kind)),
      size: pairs.map((pair) => kindSize(pair.kind, pairs.length > 400 ? 6 : 9)),
      color: pairs.map((pair) => (pair.resolved ? shade(pair) : color("ground"))),
      line: { width: 1.6, color: pairs.map(shade) },
    },
    error_y: {
      type: "data", array: pairs.map((pair) => 2 * (pair.standard_error ?? 0)), color: color("faint"), thickness: 0.8, width: 0,
      visible: pairs.length <= 400,
    },
  }];
  const layout = {
    xaxis: costAxis(trained.map(costOf), width),
    yaxis: axis(`Difference${differenceUnit()}, ±2 standard errors`, { zeroline: true, zerolinecolor: color("soft"), zerolinewidth: 1.5 }),
  };
  return { data, layout };
}

/** The unit of a difference, in brackets for the title of an axis. */
function differenceUnit() {
  return search.learned.difference_unit ? plain(` (${search.learned.difference_unit})`) : "";
}

function showProgress() {
  chartInTime("progress-chart", () => ({
    data: [{
      type: "scatter", mode: search.hypervolume.length > 60 ? "lines" : "lines+markers",
      x: search.hypervolume.map((step) => step[0]), y: search.hypervolume.map((step) => step[1]),
      line: { shape: "hv", color: color("accent"), width: 2 }, marker: { size: 5 },
      hovertemplate: "trial %{x}: %{y:.4g}<extra></extra>",
    }],
    layout: { xaxis: axis("Trial"), yaxis: axis("Hypervolume") },
  }));
}

let target = 0;

function showImportance() {
  byId("importance-tabs").replaceChildren(...search.importance.map((one, k) =>
    make("button", { type: "button", "aria-pressed": String(k === target), onclick: () => { target = k; showImportance(); } }, one.target)));
  const found = search.importance[target];
  byId("importance-verdict").textContent = found.verdict;
  byId("importance-verdict").hidden = !found.verdict;
  byId("importance-chart").hidden = found.weights.length === 0;
  byId("importance-caption").textContent = found.weights.length
    ? `From ${found.n} networks. A random forest explains ${Math.round(100 * found.score)} % of the variance of networks it has not seen; a bar ` +
      "is how much of that is lost when the decision is shuffled, its whisker the spread over splits. Decisions that vary together share their importance."
    : "";
  if (found.weights.length) chart("importance-chart", importanceParts);
  else charts.delete("importance-chart");
}

function importanceParts() {
  const rows = search.importance[target].weights.slice(0, 12).reverse();
  return {
    data: [{
      type: "bar", orientation: "h", x: rows.map((row) => row[1]), y: rows.map((row) => plain(row[0])),
      error_x: { type: "data", array: rows.map((row) => row[2]), color: color("soft"), thickness: 1, width: 3 },
      marker: { color: color("accent"), opacity: 0.75 }, hovertemplate: "%{y}: %{x:.3f}<extra></extra>",
    }],
    layout: { xaxis: axis("Explained variance lost"), yaxis: axis("", { ticksuffix: "  ", type: "category" }), bargap: 0.35 },
  };
}

function showChoices() {
  const chooser = byId("choice-decision");
  chooser.replaceChildren(...search.varying.map((name) => make("option", { value: name }, name)));
  const ranked = search.importance.flatMap((one) => one.weights.map((weight) => weight[0]));
  chooser.value = ranked[0] ?? search.varying[0];
  const update = () => chart("choice-chart", choiceParts, (point) => select(point.customdata));
  chooser.addEventListener("change", update);
  byId("choice-residual").addEventListener("change", update);
  chartInTime("choice-chart", choiceParts, (point) => select(point.customdata));
}

function choiceParts(width) {
  const name = byId("choice-decision").value;
  const equalCost = byId("choice-residual").checked;
  const value = (t) => (equalCost ? t.residual : t.value);
  const having = trained.filter((t) => name in t.decisions);
  const erased = trained.length - having.length;
  const distinct = [...new Set(having.map((t) => t.decisions[name]))];
  const numeric = distinct.every((one) => typeof one === "number");
  const continuous = numeric && distinct.length > 8;
  distinct.sort((a, b) => (numeric ? a - b : String(a).localeCompare(String(b))));
  byId("choice-caption").textContent =
    (continuous ? `${plural(having.length, "network")}.` : "The mean and its error are over the networks; n below.") +
    (erased ? ` In ${plural(erased, "network")} the decision has no effect.` : "") +
    (equalCost ? ` At equal cost: ${search.learned.words} less what a parabola over the cost expects.` : "");
  const mean = { key: "mean", label: "mean, ±1 standard error of the mean", look: { symbol: "line-ew", stroke: color("ink"), whisker: true } };
  legend("choice-legend", [...kindMarks(having, 0.45), ...(continuous ? [] : [mean])]);
  const dots = (chosen, x) => ({
    type: "scatter", mode: "markers", x, y: chosen.map(value), customdata: chosen.map((t) => t.trial), text: chosen.map(hover),
    hovertemplate: "%{text}<extra></extra>", marker: { symbol: chosen.map((t) => kindShape(t.kind)), size: 7, opacity: 0.45, color: chosen.map((t) => kindColor(t.kind)) },
  });
  const title = equalCost ? `${called(search.learned)} at equal cost${differenceUnit()}` : plain(search.learned.label);
  if (continuous) {
    const positive = distinct[0] > 0 && distinct.at(-1) / distinct[0] > 5;
    return {
      data: [dots(having, having.map((t) => t.decisions[name]))],
      layout: { xaxis: axis(plain(name), positive ? logScale(distinct[0], distinct.at(-1), width) : { nticks: 6 }), yaxis: axis(title), uirevision: name },
    };
  }
  const groups = distinct.map((one) => having.filter((t) => t.decisions[name] === one));
  // A fixed sideways shift instead of chance, so that the picture is the same every time.
  const data = groups.map((own, k) => dots(own, own.map((_, i) => k + 0.36 * (((i * 0.618) % 1) - 0.5))));
  const means = groups.map((own) => own.reduce((sum, t) => sum + value(t), 0) / own.length);
  const spread = groups.map((own, k) => own.length < 2 ? 0
    : Math.sqrt(own.reduce((sum, t) => sum + (value(t) - means[k]) ** 2, 0) / (own.length - 1) / own.length));
  data.push({
    type: "scatter", mode: "markers", x: groups.map((_, k) => k), y: means, hovertemplate: "mean %{y:.2f}<extra></extra>",
    marker: { symbol: "line-ew", size: 30, line: { width: 3, color: color("ink") } },
    error_y: { type: "data", array: spread, color: color("ink"), thickness: 1.6, width: 6 },
  });
  const labels = distinct.map((one, k) => `${plain(one)}<br>n = ${groups[k].length}`);
  return {
    data,
    layout: {
      xaxis: axis("", { tickvals: groups.map((_, k) => k), ticktext: labels, range: [-0.6, groups.length - 0.4], showgrid: false }),
      yaxis: axis(title), uirevision: name,
    },
  };
}
