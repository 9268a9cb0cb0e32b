// One more attribute row, when the reader asks for it.
"use strict";

const rows = document.querySelector("[data-rows]");
const add = document.querySelector("[data-add-row]");

add.hidden = false;
add.addEventListener("click", () => {
  const number = rows.children.length;
  const row = rows.lastElementChild.cloneNode(true);
  for (const element of row.querySelectorAll("[id], [for], [name]")) {
    for (const name of ["id", "for", "name"]) {
      const value = element.getAttribute(name);
      if (value) element.setAttribute(name, value.replace(/\d+$/, String(number)));
    }
    if (element.matches("input")) element.value = "";
  }
  rows.append(row);
  row.querySelector("input").focus();
});
