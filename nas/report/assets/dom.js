"use strict";
// The search as Python worked it out, and the few ways text is put on the page. Nothing is ever parsed as markup.

const search = JSON.parse(document.getElementById("search").textContent);
search.trials = unpacked(search.trials);
search.pairs = unpacked(search.pairs);
const trials = new Map(search.trials.map((trial) => [trial.trial, trial]));
const front = new Set(search.front);
const styles = new Map(search.kinds.map((style) => [style.name, style]));
const byId = (id) => document.getElementById(id);

/** Objects, from a table in which each key and each part of a network is written once. */
function unpacked({ columns, nested, keys, parts, rows }) {
  const inner = new Set(nested);
  const whole = ([place, ...values]) => Object.fromEntries(keys[place].map((key, k) => [key, values[k]]));
  const wholeParts = parts.map(whole);
  const cell = (name, value) => {
    if (name === "parts") return value.map((place) => wholeParts[place]);
    return inner.has(name) ? whole(value) : value;
  };
  return rows.map((row) => Object.fromEntries(columns.map((name, k) => [name, cell(name, row[k])])));
}

/** An element with attributes (`class`, `title`, ...) and children, strings becoming text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The same for a drawing. */
function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Text for plotly, which reads some tags in what it shows. */
function plain(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A count with an SI suffix, three digits. */
function human(value) {
  if (value === null || value === undefined) return "–";
  for (const [scale, suffix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Number(value.toPrecision(3)) >= scale) return (value / scale).toPrecision(3) + suffix;
  }
  return String(Number(value.toPrecision(3)));
}

/** A value as its quantity has it written, without the unit. */
function written(quantity, value) {
  if (value === null || value === undefined) return "–";
  if (quantity.form === "percent") return value.toFixed(1);
  if (quantity.form === "count") return human(value);
  if (Math.abs(value) < 1000) return String(Number(value.toPrecision(3)));
  return value.toLocaleString("en", { maximumFractionDigits: 0 });
}

/** A standard error, or the size of a difference, beside a value. */
function writtenError(quantity, error) {
  return quantity.form === "percent" ? error.toFixed(1) : String(Number(error.toPrecision(2)));
}

/** A value with its standard error, if known, without the unit. */
function withError(quantity, value, error) {
  return written(quantity, value) + (value === null || error === null || error === undefined ? "" : " ± " + writtenError(quantity, error));
}

/** What was measured of a trial's learned objective. */
function measured(trial) {
  return withError(search.learned, trial.value, trial.se);
}

/** A text with the unit of a quantity behind it. */
function unit(quantity, text) {
  return quantity.unit ? `${text} ${quantity.unit}` : text;
}

/** What a quantity is called beside its value; where its unit says what is counted, that. */
function called(quantity) {
  return capital(quantity.counted ? quantity.unit : quantity.words);
}

/** A text that begins a line. */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A difference in the learned objective, with its sign. */
function signedDifference(value) {
  return (value < 0 ? "−" : "+") + writtenError(search.learned, Math.abs(value));
}

/** A decision's value; a real number at four digits, as the tables beside the page hold it in full. */
function shortly(value) {
  if (value === null) return "none";
  return typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(4))) : String(value);
}

function signed(value, digits = 1) {
  return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(digits);
}

function duration(seconds) {
  if (seconds === null) return "–";
  if (seconds < 60) return seconds.toFixed(1) + " s";
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} m ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
}

function partName(name) {
  return name.replace(/^stage(\d+)$/, "Stage $1");
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
