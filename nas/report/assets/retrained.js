// The networks that were trained anew: test values against cost, and a table.

const again = search.retrained;

/** A spread or a difference at two digits, since test values of several seeds are known better than to one. */
function fine(value) {
  return Math.abs(value) < 10 ? Math.abs(value).toFixed(2) : Math.abs(value).toFixed(0);
}

function signedFine(difference) {
  if (difference === null) return "–";
  const half = difference.half === null ? "" : ` ± ${fine(difference.half)}`;
  const tone = difference.resolved ? ((search.learned.direction === "maximize") === (difference.mean > 0) ? "up" : "down") : "";
  return make("span", { class: tone }, `${difference.mean < 0 ? "−" : "+"}${fine(difference.mean)}${half}`);
}

function reachedText(entry) {
  if (entry.mean === null) return "failed";
  return entry.mean.toFixed(search.learned.form === "percent" ? 2 : 4) + (entry.deviation === null ? "" : ` ± ${fine(entry.deviation)}`);
}

function entryName(entry) {
  return entry.network + (entry.teacher === null ? "" : ", taught");
}

function entryHover(entry) {
  const lines = [
    `<b>Network ${plain(entryName(entry))}</b> · ${entry.role} · ${plural(entry.epochs, "epoch")}`,
    plain(entry.description).replace(/(.{60}[^ ]*) /g, "$1<br>"),
    `${plain(unit(search.learned, reachedText(entry)))} on test images, ${plural(entry.seeds, "seed")}`,
  ];
  if (entry.expected !== null) lines.push(`the search expected ${plain(unit(search.learned, written(search.learned, entry.expected)))} on validation images`);
  if (entry.teacher !== null) lines.push(`teacher: ${plain(entry.teacher)}`);
  return lines.join("<br>");
}

/** Filled marks, since the hollow ones are what the search expected. */
function retrainedLook(role, taught) {
  const shapes = { chosen: ["circle", "diamond"], unchanged: ["square", "triangle-up"], teacher: ["star", "star"] };
  const ink = { chosen: color("accent"), unchanged: color("soft"), teacher: color("ink") }[role];
  return { symbol: shapes[role][Number(taught)], fill: ink, stroke: color("card") };
}

/** The name beside a point, once for each network. */
function pointName(entry, shown) {
  return shown.find((other) => other.network === entry.network) === entry ? plain(entry.network) : "";
}

function retrainedMarks(right) {
  const shown = again.entries.filter((entry) => entry.mean !== null);
  const marks = [];
  const members = again.front.map((name) => shown.find((entry) => entry.name === name));
  if (members.length > 1) {
    const look = { line: color("ink") };
    const corners = { x: [...members.map((entry) => entry.cost), right], y: [...members, members.at(-1)].map((entry) => entry.mean) };
    marks.push({ key: "front", label: "front after training anew", look, traces: [stepLine(look, 1.3, corners)] });
  }
  const ranked = shown.filter((entry) => entry.expected !== null);
  if (ranked.length) {
    const look = { symbol: "circle-open", stroke: color("faint") };
    const stems = {
      type: "scatter", mode: "lines", hoverinfo: "skip", line: { color: color("faint"), width: 1, dash: "dot" },
      x: ranked.flatMap((entry) => [entry.cost, entry.cost, null]), y: ranked.flatMap((entry) => [entry.expected, entry.mean, null]),
    };
    const rings = { type: "scatter", mode: "markers", x: ranked.map((e) => e.cost), y: ranked.map((e) => e.expected), text: ranked.map(entryHover), hovertemplate: "%{text}<extra></extra>", marker: marker(look, 9) };
    marks.push({ key: "expected", label: "what the search expected", look, traces: [stems, rings] });
  }
  for (const [role, word] of [["unchanged", "unchanged, beside them"], ["chosen", "chosen"], ["teacher", "the teacher"]]) {
    for (const taught of [false, true]) {
      const own = shown.filter((entry) => entry.role === role && (entry.teacher !== null) === taught);
      if (!own.length) continue;
      const spread = own.some((entry) => entry.deviation !== null);
      const look = { ...retrainedLook(role, taught), whisker: spread };
      marks.push({
        key: `${role} ${taught}`, label: word + (taught ? ", with a teacher" : ""), look,
        traces: [{
          type: "scatter", mode: "markers+text", x: own.map((e) => e.cost), y: own.map((e) => e.mean), text: own.map((e) => pointName(e, shown)),
          textposition: "top left", textfont: { size: 11.5, color: color("soft") }, hovertext: own.map(entryHover), hovertemplate: "%{hovertext}<extra></extra>",
          marker: marker(look, 13), error_y: { type: "data", array: own.map((e) => e.deviation ?? 0), color: look.fill, thickness: 1.4, width: 5 },
        }],
      });
    }
  }
  return marks;
}

function retrainedParts(width) {
  const shown = again.entries.filter((entry) => entry.mean !== null);
  const costs = costAxis(shown.map((entry) => entry.cost), width);
  const marks = retrainedMarks(rightEnd(costs));
  legend("retrained-legend", marks);
  const { data } = tracesOf(marks, new Set());
  return { data, layout: { xaxis: costs, yaxis: axis(plain(search.learned.label.replace(/^Validation/, "Test"))) } };
}

function showRetrained() {
  const longer = again.epochs.map((epochs) => epochs.toLocaleString("en")).join(" and ");
  byId("retrained-lead").textContent =
    `These networks were trained anew for ${longer} epochs` + (again.searched ? ` (${again.searched} in the search)` : "") +
    " on the training and validation images together, and were then measured on the test images. Bars are one standard deviation over seeds.";
  byId("retrained-opened").textContent = again.opened;
  byId("retrained-opened").className = again.openings > 1 ? "notice" : "caption";
  byId("retrained-caption").textContent = [
    ...again.orders,
    "Intervals are those of 95 % over paired seeds; the error of the images is a standard error by their number alone.",
  ].join(" ");
  chartInTime("retrained-chart", retrainedParts);
  const expected = unit(search.learned, "In the search");
  const columns = [
    column("network", "Network", (e) => e.network),
    column("role", "Role", (e) => e.role),
    column("mean", unit(search.learned, `Test ${search.learned.words}`), (e) => e.mean, { number: true, show: reachedText }),
    column("error", "Error of the images", (e) => e.error, { number: true, show: (e) => (e.error === null ? "–" : `± ${writtenError(search.learned, e.error)}`) }),
    column("expected", expected, (e) => e.expected, { number: true, show: (e) => written(search.learned, e.expected) }),
    column("cost", search.cost.title, (e) => e.cost, { number: true, show: (e) => written(search.cost, e.cost) }),
    column("minus", "Minus unchanged", (e) => e.minus?.mean ?? null, { number: true, show: (e) => signedFine(e.minus) }),
    ...(again.entries.some((e) => e.teacher !== null)
      ? [column("teacher", "Teacher", (e) => e.teacher ?? "none"),
        column("untaught", "Minus without teacher", (e) => e.untaught?.mean ?? null, { number: true, show: (e) => signedFine(e.untaught) })]
      : []),
    column("peer", "Beside it", (e) => e.peer ?? ""),
    column("epochs", "Epochs", (e) => e.epochs, { number: true }),
    column("seeds", "Seeds", (e) => e.seeds, { number: true }),
    column("settings", "Training settings that differ", (e) => Object.entries(e.settings).map(([name, value]) => `${name} ${shortly(value)}`).join(", "), { text: true }),
    column("from", "These settings are", (e) => e.from, { text: true }),
    column("description", "Architecture", (e) => e.description, { text: true }),
    ...(again.entries.some((e) => e.failed.length) ? [column("failed", "Failed", (e) => e.failed.join("; "), { text: true })] : []),
  ];
  sortable("retrained-table", columns, { key: "cost", row: (e) => (/^\d+$/.test(e.network) ? Number(e.network) : -1) }).show(again.entries);
}
