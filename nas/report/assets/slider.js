// The best network of the front below a cost, which a slider sets. The slider moves on the scale of the cost.

const SLIDES = 1000;

/** The members of the front on which the slider moves, cheapest first, and the cost at each place of it. */
function slides() {
  const members = search.line.map((number) => trials.get(number)).filter(isPlaced);
  const ends = [costOf(members[0]), Math.max(...trained.filter(isPlaced).map(costOf))];
  const [low, high] = search.cost.log ? ends.map(Math.log) : ends;
  const costAt = (place) => {
    const scaled = low + ((high - low) * place) / SLIDES;
    return search.cost.log ? Math.exp(scaled) : scaled;
  };
  const placeOf = (cost) => (high > low ? ((search.cost.log ? Math.log(cost) : cost) - low) / (high - low) : 1) * SLIDES;
  return { members, costAt, placeOf };
}

function showSlider() {
  const { members, costAt, placeOf } = slides();
  const slider = byId("below");
  const bestBelow = (cost) => members.filter((t) => costOf(t) <= cost).at(-1) ?? members[0];
  const tell = (cost) => {
    const best = bestBelow(cost);
    byId("below-told").textContent =
      `trial ${best.trial}, ${unit(search.learned, written(search.learned, heightOf(best)))} at ${unit(search.cost, written(search.cost, costOf(best)))}`;
    byId("below-most").textContent = unit(search.cost, written(search.cost, cost));
    return best;
  };
  slider.max = SLIDES;
  const first = members.find((t) => t.trial === search.recommended) ?? members.at(-1);
  slider.value = Math.ceil(placeOf(costOf(first)));
  tell(costOf(first));
  slider.addEventListener("input", () => {
    // Rounding must not push the cheapest network below its own cost.
    const best = tell(Math.max(costAt(Number(slider.value)), costOf(members[0])));
    if (best.trial !== selected) select(best.trial);
  });
}
