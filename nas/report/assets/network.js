// The panel that says what the chosen network is.

let selected = null;
const SLICES = 3;

/** Shows a trial in the panel and marks it everywhere. */
function select(number, scroll = false) {
  if (!trials.has(number)) return;
  selected = number;
  const trial = trials.get(number);
  byId("network").replaceChildren(...panel(trial));
  if (trial.curve.length > 1) chart("curve", () => curveParts(trial));
  else charts.delete("curve");
  showAnswers(number);
  if (charts.has("front-chart")) charts.get("front-chart")();
  for (const row of document.querySelectorAll("tr[data-trial]")) row.classList.toggle("chosen", Number(row.dataset.trial) === number);
  if (scroll) byId("network").scrollIntoView({ block: "nearest" });
}

/** The card beside the picture, and below both, in as many columns as fit, what would make the card longer than the picture. */
function panel(trial) {
  const card = [
    heading(trial),
    tags(trial),
    trial.reason ? make("p", { class: "refusal" }, trial.reason) : null,
    trial.parts.length ? schematic(trial) : null,
    trial.parts.length ? partList(trial) : null,
    numbers(trial),
  ];
  const curve = trial.curve.length > 1 ? [make("h4", {}, "Training"), make("div", { id: "curve", class: "chart small" })] : [];
  const more = [loading(trial), curve, shuffles(trial), decisions(trial)].filter((parts) => parts.length);
  return [
    make("div", { class: "panel card" }, ...card.filter((part) => part !== null)),
    ...(more.length ? [make("div", { class: "panel more" }, ...more.map((parts) => make("div", { class: "block" }, ...parts)))] : []),
  ];
}

function heading(trial) {
  const position = search.front.indexOf(trial.trial);
  const step = (text, label, to) => make("button", {
    type: "button", "aria-label": label, title: label, disabled: search.front[to] === undefined,
    onclick: () => {
      select(search.front[to]);
      const again = byId("network").querySelector(`[aria-label="${label}"]`);
      if (!again.disabled) again.focus();
    },
  }, text);
  const buttons = make("div", { class: "steps" },
    step("‹", "Cheaper on the front", position < 0 ? undefined : position - 1),
    step("›", "Costlier on the front", position < 0 ? 0 : position + 1));
  return make("header", {}, make("h3", {}, `Trial ${trial.trial}`), buttons);
}

function tags(trial) {
  const found = [make("span", { class: "tag" }, trial.state)];
  if (front.has(trial.trial)) found.unshift(make("span", { class: "tag on" }, "on the front"));
  if (trial.baseline) found.push(make("span", { class: "tag" }, trial.baseline));
  if (trial.replicate_of !== null) found.push(make("span", { class: "tag" }, `another training of trial ${trial.replicate_of}`));
  if (trial.reused_from !== null) found.push(make("span", { class: "tag" }, `same network as trial ${trial.reused_from}`));
  return make("div", { class: "tags" }, ...found);
}

/** The network from left to right: one block a unit, as high as it is wide in channels (log scale), colored by kind. */
function schematic(trial) {
  const units = trial.parts.map((part) => (Number.isInteger(part.units) ? part.units : 1));
  const total = units.reduce((sum, count) => sum + count, 0);
  const gap = 10;
  const wide = (300 - gap * trial.parts.length - 28) / total;
  const picture = draw("svg", { class: "schematic", viewBox: "0 0 300 92", role: "img", "aria-label": trial.description });
  const bar = (x, width, height, fill, opacity = 0.9, middle = 38) => {
    const found = draw("rect", { x, y: middle - height / 2, width: Math.max(width, 1), height, rx: Math.min(2, width / 3), fill, opacity });
    picture.append(found);
    return found;
  };
  const label = (x, y, text) => picture.append(draw("text", { x, y, "text-anchor": "middle" }, text));
  bar(0, 8, 16, color("faint"), 0.5);
  let x = 8 + gap;
  trial.parts.forEach((part, k) => {
    const height = Math.min(72, 26 + 18 * k);
    const fill = part.kind === null ? color("accent") : kindColor(part.kind);
    for (let unit = 0; unit < units[k]; unit += 1) {
      for (const bars of unitParts(part, x + unit * wide, wide - 1.5, height, fill, bar)) bars.append(draw("title", {}, part.title));
    }
    if (part.channels !== null) label(x + (units[k] * wide) / 2, 88, `${part.channels} ch`);
    x += units[k] * wide + gap;
  });
  bar(x, 8, 16, color("faint"), 0.5);
  return picture;
}

/** A unit as the space wants it drawn: one bar, in slices, notched in the middle, in steps, or half of it pale. */
function unitParts(part, x, width, height, fill, bar) {
  if (part.drawing === "slices") {
    const slice = (height - 2 * (SLICES - 1)) / SLICES;
    return Array.from({ length: SLICES }, (_, k) => bar(x, width, slice, fill, 0.9, 38 - height / 2 + slice / 2 + k * (slice + 2)));
  }
  if (part.drawing === "notched") {
    return [bar(x, width, height, fill, 0.35), bar(x + width * 0.3, width * 0.4, height, fill)];
  }
  if (part.drawing === "steps") {
    const step = height / SLICES;
    return Array.from({ length: SLICES }, (_, k) => bar(x + (k * width) / SLICES, width / SLICES, step, fill, 0.9, 38 - height / 2 + step / 2 + k * step));
  }
  if (part.drawing === "half") {
    return [bar(x, width, height, fill, 0.35), bar(x, width, height / 2, fill, 0.9, 38 + height / 4)];
  }
  return [bar(x, width, height, fill)];
}

function partList(trial) {
  return make("ul", { class: "stages" }, ...trial.parts.map((part) => {
    const units = part.units === null ? "" : `: ${plural(part.units, "unit")}`;
    const title = part.title ? `, ${part.title}` : "";
    return make("li", {}, swatch(part.kind), make("span", {}, `${partName(part.name)}${units}${title}`,
      part.words ? make("div", { class: "what" }, part.words) : null));
  }));
}

const READINGS = [
  ["Soft − hard", "soft", `${called(search.learned)} with the soft matrices that are trained, less that with the hard permutations made of them: what rounding costs.`],
  ["Swapped − own", "swapped", `${called(search.learned)} when each image is given the permutations of another image, less that with its own. Near zero: ` +
    "which permutation an image gets makes no difference."],
];

/** Kind and title of a cost that its training decided, where it came out otherwise than aimed at. */
function aimedAt(cost, trial) {
  const target = trial.targets[cost.name];
  return target === undefined ? [] : ["explained", `Decided by its training; aimed at before it: ${written(cost, target)}.`];
}

const EXPECTED = `The ${search.learned.words} that another training of this network would give, by what all networks of this search have shown.`;

/** A difference between two readings of one network. */
function readingText(difference) {
  if (search.learned.form === "percent") return `${signed(difference, 2)} pts`;
  return unit({ unit: search.learned.difference_unit }, signedDifference(difference));
}

function numbers(trial) {
  const cell = (name, value, kind = "", title = null) => make("div", { class: kind, title }, make("dt", {}, name), make("dd", {}, value));
  const readings = READINGS.filter(([, key]) => trial[key] !== null && trial.value !== null)
    .map(([name, key, title]) => cell(name, readingText(trial[key] - trial.value), "explained", title));
  const further = search.further.filter((measure) => measure.name in trial.quantities).map((measure) =>
    cell(called(measure), unit(measure, withError(measure, trial.quantities[measure.name], trial.errors[measure.name]))));
  const ofCost = (cost) => cell(called(cost), cost.counted ? written(cost, trial.quantities[cost.name]) : unit(cost, written(cost, trial.quantities[cost.name])), ...aimedAt(cost, trial));
  return make("dl", { class: "numbers" },
    cell(called(search.learned) + (trial.trainings > 1 ? `, mean of ${trial.trainings}` : ""), trial.value === null ? "–" : unit(search.learned, measured(trial))),
    ...(trial.expected === null ? [] : [cell("Expected", unit(search.learned, written(search.learned, trial.expected)), "explained", EXPECTED)]),
    ...search.costs.filter((cost) => cost.name in trial.quantities).map(ofCost),
    cell("Epochs", trial.epochs === null ? "–" : String(trial.epochs)),
    cell("Training", duration(trial.seconds)),
    ...further,
    ...readings,
    cell("Digest", trial.digest, "wide-cell"));
}

/** The decisions that the drawing does not show. */
function decisions(trial) {
  const rest = Object.entries(trial.decisions).filter(([name]) => !trial.parts.some((part) => name.startsWith(part.name + ".")));
  if (!rest.length) return [];
  return [
    make("h4", {}, trial.parts.length ? "Other decisions" : "Decisions"),
    make("table", { class: "plain" }, make("tbody", {}, ...rest.map(([name, value]) =>
      make("tr", {}, make("th", { scope: "row" }, name.replaceAll("_", " ")), make("td", {}, shortly(value)))))),
  ];
}

function shuffles(trial) {
  if (!trial.block_means.length) return [];
  const share = (value) => (value === null ? "–" : (100 * value).toFixed(0) + " %");
  const [valid, read, differ] = trial.block_means.map(share);
  const row = (name, values) => make("tr", {}, make("td", { class: "mono" }, name), ...values.map((v) => make("td", { class: "number" }, share(v))));
  const table = () => make("table", {}, make("thead", {}, make("tr", {}, make("th", {}, "Block"),
    make("th", { class: "number", title: "Share of images whose index map is a permutation" }, "valid"),
    make("th", { class: "number", title: "Mean share of the channels that are read" }, "read"),
    make("th", { class: "number", title: "Mean share of positions at which the maps of two images differ" }, "differ"))),
  make("tbody", {}, ...trial.blocks.map((block) => row(block[0], block.slice(1)))));
  return [
    make("h4", {}, "Learned shuffles"),
    make("p", { class: "what" }, `On average ${valid} of the maps are permutations, ${read} of the channels are read, and the maps of two ` +
      `images differ at ${differ} of the positions.`),
    ...(trial.blocks.length ? [folded(plural(trial.blocks.length, "block"), table)] : []),
  ];
}

function curveParts(trial) {
  const epochs = trial.curve.map((row) => row[0]);
  const line = (k, shade, name, axisName) => ({
    type: "scatter", mode: "lines", x: epochs, y: trial.curve.map((row) => row[k]), yaxis: axisName, name, connectgaps: true,
    line: { color: shade, width: 2 }, hovertemplate: `epoch %{x}: ${name} %{y:.3g}<extra></extra>`,
  });
  const data = [line(1, color("faint"), "training loss", "y")];
  if (trial.curve.filter((row) => row[2] !== null).length > 1) data.push(line(2, color("accent"), plain(search.learned.words), "y2"));
  return {
    data,
    layout: {
      margin: { l: 34, r: 34, t: 6, b: 34 },
      xaxis: axis("epoch", { ...(epochs.length < 8 ? { dtick: 1 } : { nticks: 5 }), showgrid: false }),
      yaxis: axis("loss", { nticks: 4, title: { text: "training loss", font: { size: 11, color: color("faint") } } }),
      ...(data.length > 1 ? { yaxis2: axis("", { overlaying: "y", side: "right", tickmode: "auto", nticks: 4, showgrid: false, title: { text: plain(unit(search.learned, search.learned.words)), font: { size: 11, color: color("accent") } } }) } : {}),
      uirevision: trial.trial,
    },
  };
}

function loading(trial) {
  if (!(trial.trial in search.loading)) return [];
  return [make("h4", {}, "Load the trained network"), make("pre", { class: "load" }, search.loading[trial.trial])];
}
