
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
  const scrollers = document.querySelectorAll(".scroll, .canvas, .output");
  const reachable = () => {
    for (const part of scrollers) {
      if (part.scrollWidth > part.clientWidth) part.setAttribute("tabindex", "0");
      else if (part !== document.activeElement) part.removeAttribute("tabindex");
    }
  };
  new ResizeObserver(reachable).observe(root);
  document.addEventListener("toggle", reachable, true);
  for (const term of document.querySelectorAll("button.term")) explain(term, term.nextElementSibling);
  function explain(term, means) {
    if (!means.showPopover) return;
    let timer = 0, kept = false, returning = false;
    const isOpen = () => means.matches(":popover-open");
    const open = () => { if (!isOpen()) means.showPopover({ source: term }); };
    const close = () => { if (isOpen() && !kept && !means.contains(document.activeElement)) means.hidePopover(); };
    const later = (act, wait) => { clearTimeout(timer); timer = setTimeout(act, wait); };
    for (const part of [term, means]) {
      part.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") later(open, 150); });
      part.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") later(close, 250); });
      part.addEventListener("focusout", (event) => {
        const next = event.relatedTarget;
        if (!next || next === term || means.contains(next)) return;
        clearTimeout(timer);
        if (isOpen()) means.hidePopover();
      });
    }
    term.addEventListener("click", () => { kept = true; });
    term.addEventListener("focus", () => { if (!returning && term.matches(":focus-visible")) open(); returning = false; });
    means.addEventListener("beforetoggle", (event) => {
      if (event.newState === "open") return;
      kept = false;
      returning = means.contains(document.activeElement);
      setTimeout(() => { returning = false; }, 0);
    });
  }
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
