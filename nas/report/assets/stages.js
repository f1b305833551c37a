// What the stages of the networks on the front are, beside those of all that were trained.

const kindsOf = (chosen) => [...styles.keys()].filter((kind) => chosen.some((trial) => trial.parts.some((part) => part.kind === kind)));

/** Whether networks have stages of more than one kind. */
function hasKindsOfStages() {
  return front.size > 0 && kindsOf(trained).length > 1;
}

function showStages() {
  const kinds = kindsOf(trained);
  const members = trained.filter((trial) => front.has(trial.trial));
  const missing = kinds.filter((kind) => !kindsOf(members).includes(kind)).map((kind) => styles.get(kind).label);
  byId("stages-lead").textContent =
    `Each bar shows what one stage is in the ${plural(members.length, "network")} on the front and, paler, in all ${trained.length} that were trained. A kind ` +
    "whose share of the front is larger than its share of all has done well; with few networks that can be luck." +
    (missing.length ? ` No stage of the front is: ${missing.join(", ")}.` : "");
  chartInTime("stages-chart", stageParts);
}

function stageParts() {
  legend("stages-legend", kindsOf(trained).map((kind) =>
    ({ key: kind, label: styles.get(kind).label, look: { symbol: "square", fill: kindColor(kind) } })));
  const members = trained.filter((trial) => front.has(trial.trial));
  const names = [...new Set(trained.flatMap((trial) => trial.parts.map((part) => part.name)))].reverse();
  const rows = names.flatMap((name) => [["trained", trained], ["front", members]].map(([word, chosen]) => {
    const kinds = chosen.flatMap((trial) => trial.parts.filter((part) => part.name === name).map((part) => part.kind));
    return { label: `${partName(name)}, ${word}`, kinds };
  }));
  const data = kindsOf(trained).map((kind) => {
    const counts = rows.map((row) => row.kinds.filter((one) => one === kind).length);
    return {
      type: "bar", orientation: "h", name: plain(styles.get(kind).label), y: rows.map((row) => row.label),
      x: counts.map((count, k) => (rows[k].kinds.length ? (100 * count) / rows[k].kinds.length : 0)),
      customdata: counts.map((count, k) => `${count} of ${rows[k].kinds.length}`),
      marker: { color: kindColor(kind), opacity: rows.map((row) => (row.label.endsWith("front") ? 0.95 : 0.5)) },
      hovertemplate: `%{y}: %{customdata} ${plain(styles.get(kind).label)}<extra></extra>`,
    };
  });
  return {
    data,
    layout: {
      barmode: "stack", bargap: 0.3,
      xaxis: axis("Share of the networks (%)", { range: [0, 100] }), yaxis: axis("", { ticksuffix: "  ", type: "category" }),
    },
  };
}
