"use strict";
// The theme, tables to sort and filter, and what print opens. All of it is optional: without scripts the page is complete.
(() => {
  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const isDark = () => {
    const chosen = root.style.colorScheme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.hidden = false;
  theme.addEventListener("click", () => { root.style.colorScheme = isDark() ? "light" : "dark"; nameTheme(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);
  nameTheme();

  const value = (row, place) => {
    const cell = row.cells[place];
    const text = cell.dataset.value ?? cell.textContent;
    return text === "" ? null : text;
  };

  const compare = (a, b, sign) => {
    if (a === null || b === null) return (a === null) - (b === null); // what is missing comes last
    const difference = Number(a) - Number(b);
    return sign * (Number.isNaN(difference) ? a.localeCompare(b, undefined, { numeric: true }) : difference);
  };

  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const sign = head.ariaSort === "ascending" ? -1 : 1;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.ariaSort = sign > 0 ? "ascending" : "descending";
        const body = table.tBodies[0];
        body.append(...[...body.rows].sort((a, b) => compare(value(a, place), value(b, place), sign)));
      });
    });
  }

  // A search field shows what holds all of its words: rows of the tables in the same section, whose folds it opens.
  for (const field of document.querySelectorAll("input[type=search]")) {
    const scope = field.closest("section, details");
    const count = scope.querySelector("output");
    const folds = [...scope.querySelectorAll("details")].map((fold) => [fold, fold.open]);
    const rows = [...scope.querySelectorAll("tbody tr")];
    const search = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      rows.forEach((row) => { row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word)); });
      for (const [fold, wasOpen] of folds) {
        const isFound = [...fold.querySelectorAll("tbody tr")].some((row) => !row.hidden);
        fold.open = words.length ? isFound : wasOpen;
        fold.hidden = words.length > 0 && !isFound;
      }
      const shown = rows.filter((row) => !row.hidden).length;
      count.textContent = `${shown} of ${rows.length}`;
    };
    field.closest(".tools").hidden = false;
    field.addEventListener("input", search);
    search();
  }

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));
})();
