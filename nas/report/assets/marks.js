// The looks of marks. A chart and its legend are made from the same list of marks, so that they cannot differ.
//
// A mark has a `key`, a `label`, a `look` (symbol, fill, stroke, line, dash, whisker) and the `traces` and `shapes` that draw it.

const CORNERS = {
  square: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
  diamond: [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]],
  "triangle-up": [[0, -1], [1.1, 0.9], [-1.1, 0.9]],
  "triangle-down": [[0, 1], [1.1, -0.9], [-1.1, -0.9]],
  pentagon: [[0, -1.1], [1.05, -0.34], [0.65, 0.9], [-0.65, 0.9], [-1.05, -0.34]],
  hexagon: [[0, -1.15], [1, -0.58], [1, 0.58], [0, 1.15], [-1, 0.58], [-1, -0.58]],
  cross: [[-0.4, -1.1], [0.4, -1.1], [0.4, -0.4], [1.1, -0.4], [1.1, 0.4], [0.4, 0.4], [0.4, 1.1], [-0.4, 1.1], [-0.4, 0.4], [-1.1, 0.4], [-1.1, -0.4], [-0.4, -0.4]],
  star: Array.from({ length: 10 }, (_, k) => {
    const reach = k % 2 ? 0.55 : 1.35;
    return [reach * Math.sin((k * Math.PI) / 5), -reach * Math.cos((k * Math.PI) / 5)];
  }),
};
const CLEAR = "transparent";
const DASHES = { solid: null, dash: "4 3", dot: "1.5 2.5" };

/** A mark as a small drawing, for a legend or for words beside it. */
function drawnMark(look) {
  const { symbol = null, fill = CLEAR, stroke = null, line = null, dash = "solid", whisker = false, opacity = 1 } = look;
  const wide = line !== null;
  const middle = wide ? 12 : 7;
  const picture = draw("svg", { class: "mark", viewBox: `0 0 ${2 * middle} 14`, width: 2 * middle, height: 14, "aria-hidden": "true" });
  if (wide) {
    const drawn = { x1: 0, y1: 7, x2: 2 * middle, y2: 7, stroke: line, "stroke-width": 1.8 };
    picture.append(draw("line", DASHES[dash] === null ? drawn : { ...drawn, "stroke-dasharray": DASHES[dash] }));
  }
  if (whisker) picture.append(draw("path", { d: `M${middle} 0.5V13.5M${middle - 2.5} 0.5h5M${middle - 2.5} 13.5h5`, stroke: line ?? stroke, "stroke-width": 1.2 }));
  if (symbol !== null) {
    const shape = symbol.replace("-open", "");
    const reach = 4.4;
    const paint = { fill: symbol.endsWith("-open") ? CLEAR : fill, stroke: stroke ?? CLEAR, "stroke-width": 1.7, opacity, class: "symbol" };
    if (shape === "x-thin") {
      picture.append(draw("path", { ...paint, fill: CLEAR, d: `M${middle - 3.5} 3.5l7 7m0 -7l-7 7` }));
    } else if (shape === "line-ew") {
      picture.append(draw("path", { ...paint, fill: CLEAR, "stroke-width": 3, d: `M${middle - 6} 7h12` }));
    } else if (shape in CORNERS) {
      picture.append(draw("polygon", { ...paint, points: CORNERS[shape].map(([x, y]) => `${middle + reach * x},${7 + reach * y}`).join(" ") }));
    } else {
      picture.append(draw("circle", { ...paint, cx: middle, cy: 7, r: reach }));
    }
  }
  return picture;
}

/** What plotly is told of a symbol with this look. */
function marker(look, size) {
  const open = look.symbol.endsWith("-open") || look.symbol === "x-thin" || look.symbol === "line-ew";
  return {
    symbol: look.symbol, size, opacity: look.opacity ?? 1, color: open ? look.stroke : look.fill,
    line: look.stroke === undefined ? { width: 0 } : { width: 1.8, color: look.stroke },
  };
}

/** The look of the points of a kind. */
function kindLook(name, opacity = 1) {
  return { symbol: kindShape(name), fill: kindColor(name), opacity };
}

/** A point of a kind's color and shape; a plain one where there is no kind. */
function swatch(name) {
  return drawnMark(name === null ? { symbol: "circle", fill: color("accent") } : kindLook(name));
}

/** The data and shapes of the marks that are not hidden. */
function tracesOf(marks, hidden) {
  const shown = marks.filter((mark) => !hidden.has(mark.key));
  return {
    data: shown.flatMap((mark) => (mark.traces ?? []).map((trace) => ({ ...trace, meta: mark.key }))),
    shapes: shown.flatMap((mark) => mark.shapes ?? []),
  };
}

/** A legend of marks: buttons that hide and show them, or plain words where nothing is hidden. */
function legend(id, marks, hidden = null, changed = null) {
  const place = byId(id);
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  place.replaceChildren(...marks.map((mark) => {
    const content = [drawnMark(mark.look), mark.label];
    if (hidden === null) return make("span", { class: "item", "data-key": mark.key }, ...content);
    const toggle = () => {
      if (!hidden.delete(mark.key)) hidden.add(mark.key);
      changed();
    };
    return make("button", { type: "button", "data-key": mark.key, "aria-pressed": String(!hidden.has(mark.key)), onclick: toggle }, ...content);
  }));
  // A click draws the chart and its legend anew.
  if (focused !== null) [...place.children].find((item) => item.dataset.key === focused)?.focus();
}
