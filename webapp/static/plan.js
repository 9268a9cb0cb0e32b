// What the numbers of a plan amount to, in words, while they are typed.
"use strict";

const many = new Intl.NumberFormat(undefined);
const fieldOf = (name) => document.querySelector(`[name="${name}"]`);

/** How many HITs a route makes of the dataset, and who sees each image. */
function sumUp(place) {
  const key = place.dataset.sum;
  const nItems = Number(document.querySelector("[data-items]").dataset.items);
  const redundancy = Math.max(Number(fieldOf(`redundancy-${key}`).value), 1);
  const perHit = Math.max(Number(fieldOf(`tasks-${key}`).value), 1);
  const nHits = Math.ceil(nItems / perHit);
  const each = redundancy === 1 ? "once" : `by ${many.format(redundancy)} different people`;
  const who = key.startsWith("model") ? "A model answers each image" : `Each image is answered ${each}`;
  place.textContent = `${who}: about ${many.format(nHits)} HITs, ${many.format(nHits * redundancy)} assignments.`;
}

for (const place of document.querySelectorAll("[data-sum]")) {
  const key = place.dataset.sum;
  for (const name of [`redundancy-${key}`, `tasks-${key}`]) fieldOf(name).addEventListener("input", () => sumUp(place));
  sumUp(place);
}

/** The hourly wage that a reward is. */
for (const field of document.querySelectorAll("[data-reward]")) {
  const note = field.parentElement.querySelector("[data-wage]");
  const show = () => {
    const wage = (Number(field.value) * 3600) / Number(field.dataset.seconds);
    note.textContent = Number.isFinite(wage) && field.value ? `About $${wage.toFixed(2)} an hour.` : "";
  };
  field.addEventListener("input", show);
  show();
}
