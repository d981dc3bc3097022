
"use strict";
(() => {
  const bar = document.getElementById("filters");
  if (!bar) return;
  const chosen = [...bar.querySelectorAll("select")];
  const studies = [...document.querySelectorAll("#studies > article")];
  const count = document.getElementById("count");
  const clear = document.getElementById("clear");
  const apply = () => {
    let shown = 0;
    for (const study of studies) {
      study.hidden = chosen.some((one) => one.value && study.getAttribute("data-" + one.dataset.name) !== one.value);
      if (!study.hidden) shown += 1;
    }
    const all = studies.length;
    const noun = all === 1 ? " evaluation" : " evaluations";
    count.textContent = shown === all ? "All " + all + noun + " are shown." : shown + " of " + all + noun + " shown.";
    clear.disabled = chosen.every((one) => !one.value);
  };
  for (const one of chosen) one.addEventListener("change", apply);
  clear.addEventListener("click", () => {
    for (const one of chosen) one.value = "";
    apply();
    chosen[0].focus();
  });
  // A browser that comes back to this page restores what was chosen.
  window.addEventListener("pageshow", apply);
  bar.hidden = false;
  apply();
})();
