"use strict";
// The search as Python worked it out, and the few ways text is put on the page. Nothing is ever parsed as markup.

const search = JSON.parse(document.getElementById("search").textContent);
const trials = new Map(search.trials.map((trial) => [trial.trial, trial]));
const front = new Set(search.front);
const mixers = new Map(search.mixers.map((mixer) => [mixer.name, mixer]));
const byId = (id) => document.getElementById(id);

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

/** Accuracy in percent with its standard error, if known. */
function percent(trial) {
  if (trial.accuracy === null) return "–";
  return trial.accuracy.toFixed(1) + (trial.se === null ? "" : " ± " + trial.se.toFixed(1));
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

function stageName(name) {
  return name.replace(/^stage(\d+)$/, "Stage $1");
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
