// Tables that sort and filter, and plain tables of names and values.

const FIRST_ROWS = 200;

/** A column: `value` to sort by, `show` for what stands in the cell, missing values last. */
function column(key, title, value, { number = false, show = value, button = false, text = false } = {}) {
  return { key, title, value, number: number || button, show, button, text };
}

/** A table in the element `id` whose headings sort, with its first rows and a button for all; returns {show(rows)}. */
function sortable(id, columns, { key, descending = false, row: trialOf }) {
  const state = { key, descending, rows: [], all: false };
  const more = make("button", { type: "button", class: "more-rows", onclick: () => { state.all = true; fill(); } });
  const head = make("tr", {});
  const body = make("tbody");
  const heads = new Map();
  for (const one of columns) {
    const sort = () => {
      state.descending = state.key === one.key ? !state.descending : false;
      state.key = one.key;
      fill();
    };
    const cell = make("th", { scope: "col", class: one.number ? "number" : "" }, make("button", { type: "button", onclick: sort }, one.title));
    heads.set(one.key, cell);
    head.append(cell);
  }
  byId(id).replaceChildren(make("table", {}, make("thead", {}, head), body), more);

  function fill() {
    const by = columns.find((one) => one.key === state.key);
    const turn = state.descending ? -1 : 1;
    const sorted = state.rows.map((row) => [by.value(row), row]).sort(([a], [b]) => {
      const missing = (value) => value === null || value === undefined || value === "";
      if (missing(a) || missing(b)) return missing(a) - missing(b);
      return turn * (typeof a === "number" ? a - b : String(a).localeCompare(String(b)));
    });
    for (const [name, cell] of heads) {
      if (name === state.key) cell.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
    const shown = state.all ? sorted : sorted.slice(0, FIRST_ROWS);
    body.replaceChildren(...shown.map(([, row]) => line(row)));
    more.hidden = shown.length === sorted.length;
    more.textContent = `Show all ${sorted.length}`;
  }

  function line(row) {
    const number = trialOf(row);
    const marks = [front.has(number) ? "on-front" : "", number === selected ? "chosen" : ""].join(" ").trim();
    return make("tr", { "data-trial": String(number), class: marks }, ...columns.map((one) => {
      const shown = one.show(row) ?? "–";
      const content = one.button ? make("button", { type: "button", onclick: () => select(number, true) }, String(shown)) : shown;
      return make("td", { class: one.number ? "number" : one.text ? "text" : "" }, content instanceof Node ? content : String(content));
    }));
  }

  return {
    show(rows) {
      state.rows = rows;
      fill();
    },
  };
}

function showTrials() {
  const table = sortable("trials-table", [
    column("trial", "Trial", (t) => t.trial, { button: true }),
    column("state", "State", (t) => t.state),
    column("value", search.learned.title, (t) => t.value, { number: true, show: measured }),
    ...(search.observed.length ? [column("expected", unit(search.learned, "Expected"), (t) => t.expected, { number: true, show: (t) => (t.expected === null ? "" : written(search.learned, t.expected)) })] : []),
    ...search.costs.map((cost) => column(`cost ${cost.name}`, cost.title, (t) => t.quantities[cost.name], { number: true, show: (t) => written(cost, t.quantities[cost.name]) })),
    ...(styles.size > 1 ? [column("kind", classWord, (t) => styles.get(t.kind).label)] : []),
    column("description", "Network", (t) => t.description, { text: true, show: describedCell }),
    column("epochs", "Epochs", (t) => t.epochs, { number: true }),
    column("seconds", "Time", (t) => t.seconds, { number: true, show: (t) => duration(t.seconds) }),
    column("digest", "Digest", (t) => t.digest, { show: (t) => make("span", { class: "mono", title: t.digest }, t.digest.slice(0, 8)) }),
  ], { key: "trial", row: (t) => t.trial });
  const states = [...new Set(search.trials.map((t) => t.state))];
  byId("trials-state").replaceChildren(make("option", { value: "" }, "all"), ...states.map((state) => make("option", { value: state }, state)));
  const haystacks = new Map();
  const haystack = (t) => {
    if (!haystacks.has(t.trial)) {
      const words = [t.trial, t.state, t.description, styles.get(t.kind).label, t.baseline, t.digest, t.reason, JSON.stringify(t.decisions)];
      haystacks.set(t.trial, words.join(" ").toLowerCase());
    }
    return haystacks.get(t.trial);
  };
  const update = () => {
    const wanted = byId("trials-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = byId("trials-state").value;
    const rows = search.trials.filter((t) =>
      (!state || t.state === state) && (!byId("trials-front").checked || front.has(t.trial)) &&
      wanted.every((word) => haystack(t).includes(word)));
    table.show(rows);
    byId("trials-count").textContent = `${rows.length} of ${plural(search.trials.length, "trial")}`;
  };
  for (const id of ["trials-filter", "trials-state", "trials-front"]) byId(id).addEventListener("input", update);
  update();
}

/** A folded element whose content is made when it is first opened. */
function folded(title, content) {
  const element = make("details", {}, make("summary", {}, title));
  element.addEventListener("toggle", () => element.append(content()), { once: true });
  return element;
}

function describedCell(trial) {
  const tags = [trial.baseline, trial.reused_from === null ? null : `as trial ${trial.reused_from}`].filter(Boolean);
  return make("span", {}, make("span", { class: "mono" }, trial.description), ...tags.flatMap((text) => [" ", make("span", { class: "tag" }, text)]));
}

function showRefused() {
  byId("refused-list").replaceChildren(...search.refused.map((group) => {
    const buttons = group.trials.slice(0, 100).flatMap((number, k) => [k ? ", " : "", make("button", { type: "button", class: "link", onclick: () => select(number, true) }, String(number))]);
    const reasons = group.state === "infeasible"
      ? folded("Which limits", () => make("table", { class: "plain" }, make("tbody", {}, ...group.trials.map((number) =>
          make("tr", {}, make("th", { scope: "row" }, `Trial ${number}`), make("td", {}, trials.get(number).reason))))))
      : null;
    return make("div", { class: `refusal ${group.state}` },
      make("p", {}, make("strong", {}, `${plural(group.trials.length, "trial")} ${group.state}: `), group.reason),
      make("p", { class: "which" }, group.trials.length === 1 ? "Trial " : "Trials ", ...buttons, group.trials.length > 100 ? " …" : ""), reasons);
  }));
}

function definitions(id, rows) {
  byId(id).replaceChildren(make("tbody", {}, ...rows.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value)))));
}
