// What a network of the front takes for what: right answers by class, confusions, and the mistakes it was surest about.

const className = (label) => search.answers.classes[label];
const percent = (part, whole) => `${((100 * part) / whole).toFixed(whole >= 1000 ? 1 : 0)} %`;

/** Shows the answers of a network, if they are known. */
function showAnswers(number) {
  const found = search.answers?.networks[number];
  if (!found) return;
  byId("answers-network").value = String(number);
  const repeated = trials.get(number).trainings > 1 ? " It was trained more than once; these are the answers of the network that is kept." : "";
  byId("answers-lead").textContent =
    `Trial ${number} answers ${found.right} of ${plural(found.items, "validation image")} rightly (${percent(found.right, found.items)}).${repeated}`;
  byId("answers-classes").replaceChildren(search.answers.as_matrix ? matrixTable(found) : worstTables(found));
  byId("answers-surest").replaceChildren(...found.surest.map(mistake));
  byId("answers-surest-title").hidden = !found.surest.length;
}

/** Offers the networks whose answers are known. */
function offerAnswers() {
  const chooser = byId("answers-network");
  const known = search.front.filter((number) => number in search.answers.networks);
  chooser.replaceChildren(...known.map((number) => make("option", { value: String(number) },
    `trial ${number}, ${unit(search.cost, written(search.cost, costOf(trials.get(number))))}${number === search.recommended ? ", recommended" : ""}`)));
  chooser.addEventListener("change", () => select(Number(chooser.value)));
  showAnswers(selected in search.answers.networks ? selected : known[0]);
}

/** One row for each class: its share of right answers, and what its images were taken for. */
function matrixTable(found) {
  const labels = Object.keys(search.answers.classes).map(Number);
  const scores = new Map(found.scores.map(([label, items, right]) => [label, { items, right }]));
  const head = make("tr", {}, make("th", { scope: "col" }, "Class"), make("th", { scope: "col", class: "number" }, "Right"),
    ...labels.map((label) => make("th", { scope: "col", class: "taken" }, make("span", {}, className(label)))));
  const rows = labels.filter((label) => scores.has(label)).map((label) => {
    const { items, right } = scores.get(label);
    return make("tr", {}, make("th", { scope: "row" }, className(label)),
      make("td", { class: "number", title: `${right} of ${items}` }, percent(right, items)),
      ...found.matrix[label].map((count, answer) => matrixCell(count, items, label, answer)));
  });
  return make("div", {},
    make("p", { class: "caption above" }, "A row is a class, a column what its images were taken for; the number is the number of images."),
    make("div", { class: "scroll" }, make("table", { class: "matrix" }, make("thead", {}, head), make("tbody", {}, ...rows))));
}

function matrixCell(count, items, label, answer) {
  const cell = make("td", { class: label === answer ? "right" : count ? "wrong" : "", title: `${className(label)}, taken for ${className(answer)}: ${count} of ${items}` }, count ? String(count) : "");
  cell.style.setProperty("--share", `${Math.round(100 * Math.sqrt(count / items))}%`);
  return cell;
}

/** The worst classes and the most frequent confusions, where there are too many classes for a matrix. */
function worstTables(found) {
  const table = (title, headings, rows) => make("div", {}, make("h3", {}, title), make("table", {},
    make("thead", {}, make("tr", {}, ...headings.map((text, k) => make("th", { scope: "col", class: k < headings.length - 1 ? "" : "number" }, text)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((text, k) => make("td", { class: k < row.length - 1 ? "" : "number" }, text)))))));
  return make("div", { class: "pair worst" },
    table("Worst classes", ["Class", "Right"], found.scores.map(([label, items, right]) => [className(label), `${right} of ${items} (${percent(right, items)})`])),
    table("Most frequent confusions", ["Class", "taken for", "Images"], found.confusions.map(([truth, answer, items]) => [className(truth), className(answer), String(items)])));
}

function mistake([position, truth, answer, confidence]) {
  const source = search.answers.pictures[position];
  const text = `${className(truth)}, taken for ${className(answer)}`;
  return make("figure", {},
    source ? make("img", { src: source, alt: text, width: 72, height: 72 }) : null,
    make("figcaption", {}, `${text} (${(100 * confidence).toFixed(0)} % sure)`));
}
