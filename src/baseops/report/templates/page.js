"use strict";
(() => {
  const form = document.getElementById("filter");
  const words = document.getElementById("words");
  const shown = document.getElementById("shown");
  const stories = [...document.querySelectorAll("details.story")];
  if (!form || !stories.length) return;
  const texts = new Map();
  const textOf = (element) => {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase());
    return texts.get(element);
  };

  const filter = () => {
    const wanted = words.value.trim().toLowerCase();
    const verdicts = new Set([...form.querySelectorAll("input:checked")].map((each) => each.value));
    const all = verdicts.size === 3;
    let drills = 0;
    let targets = 0;
    for (const story of stories) {
      const named = textOf(story.querySelector("summary")).includes(wanted);
      const rows = [...story.querySelectorAll("tr[data-verdict]")];
      let left = 0;
      for (const row of rows) {
        row.hidden = !(verdicts.has(row.dataset.verdict) && (named || textOf(row).includes(wanted)));
        left += row.hidden ? 0 : 1;
      }
      story.hidden = !(left || (all && (rows.length ? !wanted : named)));
      drills += story.hidden ? 0 : 1;
      targets += left;
    }
    shown.textContent = `${drills} drills, ${targets} targets shown`;
  };

  const openAll = (open) => stories.forEach((each) => { if (!each.hidden) each.open = open; });
  const follow = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.matches("details.story")) return;
    target.hidden = false;
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus({ preventScroll: true });
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", filter);
  document.getElementById("open-all").addEventListener("click", () => openAll(true));
  document.getElementById("close-all").addEventListener("click", () => openAll(false));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#drill-']");
    if (link && link.hash === location.hash) follow();
  });
  window.addEventListener("hashchange", follow);
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
  follow();
})();
