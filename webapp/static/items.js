// The next page of tiles is fetched when the reader comes near the end of the grid.
"use strict";

const grid = document.querySelector("[data-tiles]");

async function showMore(link) {
  if (link.dataset.busy) return;
  link.dataset.busy = "yes";
  const answer = await fetch(`${link.href}&more=1`);
  if (!answer.ok) return;
  link.closest("li").remove();
  grid.insertAdjacentHTML("beforeend", await answer.text());
  watch();
}

const nearEnd = new IntersectionObserver(
  (entries) => { for (const entry of entries) if (entry.isIntersecting) showMore(entry.target); },
  { rootMargin: "800px" },
);

function watch() {
  const link = grid?.querySelector("[data-more]");
  if (link) nearEnd.observe(link);
}

watch();
