// The search of every page, and the menu of narrow ones. The index is read when somebody begins to search.
"use strict";
(() => {
  const root = document.currentScript.dataset.root;
  const field = document.querySelector(".site-search input");
  const results = document.querySelector(".site-results");
  const shown = 12;
  let entries = null;
  let waiting = false;

  window.interruptsyncSearch = (rows) => {
    entries = rows.map(([page, title, group, place, text]) => ({
      page, title, group, place, text, name: (title || page).toLowerCase(), words: `${page} ${title} ${group} ${text}`.toLowerCase(),
      isSymbol: place.startsWith("reference/"),
    }));
    show();
  };

  function load() {
    if (waiting) return;
    waiting = true;
    const script = document.createElement("script");
    script.src = `${root}assets/search-index.js`;
    script.onerror = () => { waiting = false; };
    document.head.append(script);
  }

  // How well an entry fits: every word must be in it, and counts most in its name.
  function score(entry, words, phrase) {
    let sum = entry.name === phrase ? 400 : entry.name.startsWith(phrase) ? 120 : 0;
    if (entry.words.includes(phrase)) sum += 40;
    for (const word of words) {
      if (!entry.words.includes(word)) return 0;
      const at = entry.name.indexOf(word);
      sum += at < 0 ? 5 : at === 0 ? 60 : 40;
    }
    return sum + (entry.isSymbol ? 0 : 8) + (entry.title ? 0 : 4);
  }

  function excerpt(entry, words) {
    const text = entry.text;
    const at = Math.max(0, Math.min(...words.map((word) => {
      const place = text.toLowerCase().indexOf(word);
      return place < 0 ? Infinity : place;
    }).concat(text.length)) - 40);
    const begin = at === 0 || at >= text.length ? 0 : text.indexOf(" ", at) + 1;
    return (begin > 0 ? "… " : "") + text.slice(begin, begin + 140) + (begin + 140 < text.length ? " …" : "");
  }

  function element(name, words) {
    const made = document.createElement(name);
    made.textContent = words;
    return made;
  }

  function show() {
    const phrase = field.value.trim().toLowerCase().replace(/\s+/g, " ");
    if (!phrase || !entries) return close();
    const words = phrase.split(" ");
    const found = entries.map((entry) => [score(entry, words, phrase), entry]).filter(([points]) => points > 0)
      .sort(([one], [other]) => other - one).slice(0, shown);
    results.replaceChildren(...found.map(([, entry], index) => {
      const link = document.createElement("a");
      link.href = root + entry.place;
      link.id = `site-result-${index}`;
      link.setAttribute("role", "option");
      const where = entry.title ? `${entry.page}, ${entry.group}` : entry.group;
      link.append(element("b", entry.title || entry.page), " ", element("span", where), element("p", excerpt(entry, words)));
      return link;
    }));
    if (!found.length) results.append(element("p", "Nothing found."));
    results.hidden = false;
    field.setAttribute("aria-expanded", "true");
    choose(found.length ? 0 : -1);
  }

  function close() {
    results.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function choose(index) {
    const links = [...results.querySelectorAll("a")];
    links.forEach((link, place) => link.setAttribute("aria-selected", String(place === index)));
    if (!links[index]) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", links[index].id);
    links[index].scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const links = [...results.querySelectorAll("a")];
    const now = links.findIndex((link) => link.getAttribute("aria-selected") === "true");
    if (links.length) choose((now + step + links.length) % links.length);
  }

  field.addEventListener("focus", load);
  field.addEventListener("input", () => { load(); show(); });
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Escape") { field.value = ""; close(); }
    else return;
    event.preventDefault();
  });
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = results.querySelector("a[aria-selected=true]");
    if (!results.hidden && chosen) location.href = chosen.href;
  });
  document.addEventListener("click", (event) => {
    // A link within the page leaves its script running.
    if (!field.form.contains(event.target) || event.target.closest(".site-results a")) close();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    field.focus();
  }, true);

  const menu = document.querySelector(".menu");
  menu?.addEventListener("click", () => {
    const isOpen = menu.getAttribute("aria-expanded") === "true";
    menu.setAttribute("aria-expanded", String(!isOpen));
  });
})();
