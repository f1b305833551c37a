// Puts everything in its place.

function header() {
  byId("title").textContent = search.title;
  byId("subject").textContent = search.subject ? ` · ${search.subject}` : "";
  byId("answer").textContent = search.answer;
  byId("advice").textContent = search.advice;
  byId("advice-box").hidden = !search.advice;
  byId("versus").textContent = search.versus;
  byId("versus").hidden = !search.versus;
  byId("running").hidden = !search.running;
  byId("ended").hidden = !search.ended;
  byId("ended").textContent = `The search ended before all its trials: ${search.ended}.`;
  byId("facts").replaceChildren(...search.facts.map(([name, value, hint]) =>
    make("div", {}, make("dt", {}, name), make("dd", { class: "value" }, value), make("dd", { class: "hint" }, hint))));
  byId("cautions").replaceChildren(...search.cautions.map((text) => make("li", {}, text)));
  byId("images").replaceChildren(...search.images.map((text) => make("li", {}, text)));
}

/** Hides the sections that have nothing to show, and links the others. */
function sections() {
  const some = {
    front: search.trials.length,
    answers: search.answers !== null && Object.keys(search.answers.networks).length,
    kinds: search.kinds.filter((style) => style.front.length).length > 1,
    stages: hasKindsOfStages(),
    peers: search.pairs.length,
    retrained: search.retrained !== null,
    decisions: trained.length > 1 && search.varying.length,
    progress: search.hypervolume.length > 1,
    trials: search.trials.length,
    refused: search.refused.length,
    conditions: true,
  };
  for (const [id, shown] of Object.entries(some)) byId(id).hidden = !shown;
  byId("sections").replaceChildren(...[...document.querySelectorAll("section[data-nav]")]
    .filter((section) => !section.hidden)
    .map((section) => make("a", { href: `#${section.id}` }, section.dataset.nav)));
  return some;
}

function showFront() {
  if (!trained.length) {
    byId("front-lead").textContent = "No network has been trained to the end yet; here is what was tried.";
    byId("front-left").hidden = true;
    select(search.trials[0].trial);
    return;
  }
  const best = search.front.reduce((a, b) => (a === null || isBetter(heightOf(trials.get(b)), heightOf(trials.get(a))) ? b : a), null);
  selected = search.recommended ?? best ?? trained[0].trial;
  chart("front-chart", frontParts, (point) => select(point.customdata));
  const outside = trained.filter((t) => t.value < search.limits[0] || t.value > search.limits[1]).length;
  byId("front-caption").textContent =
    "Chosen on the validation split. Drag to zoom, double-click to go back." +
    (search.majority !== null && !majorityShown() ? ` The commonest class alone gives ${unit(search.learned, written(search.learned, search.majority))}.` : "") +
    (outside ? ` ${plural(outside, "network")} outside the picture.` : "");
  select(selected);
}

/** Draws the card anew, which has colors but is no chart. */
function recolor() {
  if (selected !== null) select(selected);
}

function start() {
  header();
  namePeers();
  const some = sections();
  if (some.front) showFront();
  if (some.answers) offerAnswers();
  if (some.retrained) showRetrained();
  if (some.kinds) chartInTime("kinds-chart", kindParts, (point) => select(point.customdata));
  if (some.stages) showStages();
  if (some.peers) showPeers();
  if (some.decisions) { showImportance(); showChoices(); }
  if (some.progress) showProgress();
  if (some.trials) showTrials();
  if (some.refused) showRefused();
  definitions("provenance", search.provenance);
  definitions("data", search.data);
  definitions("settings", search.settings);
  showWords();
  const repaint = () => { redrawAll(); recolor(); };
  darkness.addEventListener("change", repaint);
  window.addEventListener("beforeprint", () => { printing = true; drawAllWaiting(); repaint(); });
  window.addEventListener("afterprint", () => { printing = false; repaint(); });
  let resized = null;
  window.addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(redrawAll, 120); });
}

start();
