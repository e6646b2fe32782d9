// Runs in every page: the contents on a phone, what can be scrolled by
// keyboard, and the search, which is loaded when it is first used.
document.documentElement.classList.add("scripted");

addEventListener("DOMContentLoaded", () => {
  const menu = document.querySelector(".menu");
  const contents = document.getElementById("contents");
  menu.addEventListener("click", () => {
    const isOpen = contents.classList.toggle("open");
    menu.setAttribute("aria-expanded", String(isOpen));
  });
  const current = contents.querySelector("[aria-current]");
  if (current) {
    const { top } = current.getBoundingClientRect();
    if (top > innerHeight - 100) contents.scrollTop = top - innerHeight / 2;
  }

  // The figure has a place for the keyboard of its own.
  const scrollers = document.querySelectorAll(
    "pre, .wide:not(.memo *), .formula",
  );
  const letFocus = () => {
    for (const each of scrollers) {
      if (each.scrollWidth > each.clientWidth) each.tabIndex = 0;
      else each.removeAttribute("tabindex");
    }
  };
  letFocus();
  addEventListener("resize", letFocus);
  for (const details of document.querySelectorAll("details")) {
    details.addEventListener("toggle", letFocus);
  }

  const field = document.querySelector(".search input");
  const top = document.documentElement.dataset.top;
  const beside = (name) => (top === "" ? name : `${top}/${name}`);
  // Script elements also load from a file, where fetch does not.
  const load = (name) =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = beside(name);
      script.onload = resolve;
      script.onerror = () => reject(new Error(`cannot load ${name}`));
      document.head.append(script);
    });
  let ready;
  const search = () => {
    ready ??= load("assets/search.js").then(() => load("assets/sections.js"));
    ready.then(() => globalThis.bookSearch(field.value, beside));
  };
  field.addEventListener("input", search);
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
    ready.then(() => document.querySelector(".hits a")?.focus());
  });
  addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      field.focus();
    }
    if (event.key === "Escape" && field.value !== "") {
      field.value = "";
      search();
      field.focus();
    }
  });
  // From a page of results back, or from an address with ?search=word.
  const asked = new URLSearchParams(location.search).get("search");
  if (asked) {
    field.value = asked;
    search();
  }
});
