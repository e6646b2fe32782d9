// The search in the page, over the sections that sections.js brings; appended
// to MiniSearch.
(() => {
  const MOST = 20;
  const AROUND = 70; // characters of the text before a hit

  // Also the number of a task, "3.4".
  const WORD = /\d+(?:\.\d+)+|[\p{L}\p{N}_]+/gu;

  // "left_pad" is a word, and so are its parts; so with "KvCache".
  function words(text) {
    return (text.match(WORD) ?? []).flatMap((word) => {
      const parts = word
        .replace(/(\p{Ll})(\p{Lu})/gu, "$1_$2")
        .split("_")
        .filter((part) => part !== "");
      return parts.length > 1 ? [word, ...parts] : [word];
    });
  }

  // One that is typed stands for itself alone.
  function typed(text) {
    return text.match(WORD) ?? [];
  }

  const index = new globalThis.MiniSearch({
    fields: ["title", "page", "text"],
    storeFields: ["title", "page", "url", "text"],
    tokenize: words,
    searchOptions: {
      tokenize: typed,
      combineWith: "AND",
      prefix: true,
      fuzzy: (term) => (term.length > 5 ? 0.15 : false),
      boost: { title: 4, page: 2 },
    },
  });

  globalThis.bookSections = (sections) => {
    index.addAll(sections.map((section, id) => ({ id, ...section })));
  };

  // The text around the first hit, with every hit marked.
  function excerpt(text, terms) {
    const lower = text.toLowerCase();
    const hits = terms
      .map((term) => lower.indexOf(term))
      .filter((at) => at >= 0);
    const first = hits.length > 0 ? Math.min(...hits) : 0;
    const begin = first > AROUND ? lower.indexOf(" ", first - AROUND) + 1 : 0;
    const end = lower.indexOf(" ", begin + 3 * AROUND);
    const shown = end < 0 ? text.slice(begin) : text.slice(begin, end);
    const quoted = terms.map((term) =>
      term.replace(/[^\p{L}\p{N}_]/gu, "\\$&"),
    );
    const paragraph = document.createElement("p");
    if (begin > 0) paragraph.append("… ");
    for (const [at, part] of shown
      .split(new RegExp(`(${quoted.join("|")})`, "giu"))
      .entries()) {
      if (at % 2 === 1) {
        const mark = document.createElement("mark");
        mark.textContent = part;
        paragraph.append(mark);
      } else {
        paragraph.append(part);
      }
    }
    if (begin + shown.length < text.length) paragraph.append(" …");
    return paragraph;
  }

  function item(hit, beside) {
    const made = document.createElement("li");
    const link = document.createElement("a");
    link.href = beside(hit.url);
    link.textContent = hit.title;
    made.append(link);
    if (hit.page !== hit.title) {
      const page = document.createElement("span");
      page.textContent = ` ${hit.page}`;
      made.append(page);
    }
    if (hit.text !== "") made.append(excerpt(hit.text, hit.terms));
    return made;
  }

  globalThis.bookSearch = (text, beside) => {
    const found = document.querySelector(".hits");
    const status = found.querySelector("[role=status]");
    const list = found.querySelector("ol");
    const isAsked = text.trim() !== "";
    const hits = isAsked ? index.search(text) : [];
    found.hidden = !isAsked;
    list.replaceChildren(
      ...hits.slice(0, MOST).map((hit) => item(hit, beside)),
    );
    const count = hits.length === 1 ? "1 section" : `${hits.length} sections`;
    status.textContent = !isAsked
      ? ""
      : hits.length === 0
        ? `Nothing found for “${text}”.`
        : hits.length > MOST
          ? `${count}; the first ${MOST}:`
          : `${count}:`;
  };
})();
