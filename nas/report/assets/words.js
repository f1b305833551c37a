// The words that a reader may not know: a folded list, and links to it where a word is first used.

const PLACES = "#answer, #advice, #versus, #facts dt, #facts .hint, .lead, #cautions li";

function showWords() {
  const box = byId("glossary");
  box.hidden = !search.glossary.length;
  byId("words").replaceChildren(...search.glossary.flatMap(([word, meaning], k) => [make("dt", { id: `word-${k}` }, word), make("dd", {}, meaning)]));
  search.glossary.forEach(([word], k) => linkFirst(word, k));
}

/** Makes the first use of a word in a sentence of the page a link to its explanation. */
function linkFirst(word, k) {
  const pattern = new RegExp(`(?<![\\w-])${word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}s?(?![\\w-])`, "i");
  for (const place of document.querySelectorAll(PLACES)) {
    if (place.closest("[hidden]")) continue;
    const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const found = node.parentElement.closest("a") ? null : pattern.exec(node.data);
      if (!found) continue;
      const rest = node.splitText(found.index);
      rest.splitText(found[0].length);
      const link = make("a", { class: "word", href: `#word-${k}`, title: search.glossary[k][1], onclick: () => { byId("glossary").open = true; } });
      rest.replaceWith(link);
      link.append(rest);
      return;
    }
  }
}
