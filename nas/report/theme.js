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

function mixerColor(name) {
  const mixer = mixers.get(name);
  return dark() ? mixer.dark : mixer.light;
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

/** The logarithmic axis of cost over these values, with round ticks such as 1M, 2M, 5M. */
function costAxis(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = 0.05 * Math.log10(Math.max(high / low, 1.5));
  return axis(search.cost.label, {
    type: "log",
    range: [Math.log10(low) - room, Math.log10(high) + room],
    tickformat: "~s",
    nticks: 7,
    minor: { showgrid: false },
  });
}

function redrawAll() {
  for (const redraw of charts.values()) redraw();
}

/** A row of buttons that hide and show the traces of one group. */
function legend(id, entries, hidden, changed) {
  byId(id).replaceChildren(
    ...entries.map((entry) => {
      const swatch = make("span", { class: `swatch ${entry.shape ?? ""}` });
      swatch.style.setProperty("--swatch", entry.color());
      const button = make("button", { type: "button", "aria-pressed": String(!hidden.has(entry.key)) }, swatch, entry.label);
      button.addEventListener("click", () => {
        if (!hidden.delete(entry.key)) hidden.add(entry.key);
        button.setAttribute("aria-pressed", String(!hidden.has(entry.key)));
        changed();
      });
      return button;
    }),
  );
}
