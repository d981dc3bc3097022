
"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("show-code");
  if (document.querySelector(".code")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = root.classList.toggle("show-code");
      button.setAttribute("aria-pressed", String(shown));
    });
  }
  const folded = document.querySelector(".folded");
  folded.addEventListener("click", (event) => {
    if (event.target.closest("a")) folded.open = false;
  });
  const links = new Map();
  for (const link of document.querySelectorAll(".rail a")) {
    const id = link.hash.slice(1);
    links.set(id, [...(links.get(id) || []), link]);
  }
  const parts = [...links.keys()].map((id) => document.getElementById(id));
  const seen = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) entry.isIntersecting ? seen.add(entry.target) : seen.delete(entry.target);
    const now = parts.filter((part) => seen.has(part)).pop();
    if (!now) return;
    for (const [id, both] of links) {
      for (const link of both) id === now.id ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    }
  }, { rootMargin: "0px 0px -70% 0px" });
  for (const part of parts) watch.observe(part);
})();
