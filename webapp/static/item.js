// Show and hide voices over the image; move between items with the arrow keys.
"use strict";

const boxes = [...document.querySelectorAll("[data-toggle]")];

function apply(box) {
  const layer = document.querySelector(`[data-layer="${box.dataset.toggle}"]`);
  if (layer) layer.toggleAttribute("hidden", !box.checked);
}

function toggle(box) {
  box.checked = !box.checked;
  apply(box);
}

const spread = document.querySelector("[data-spread]");

function showSpread() {
  for (const band of document.querySelectorAll(".band")) band.toggleAttribute("hidden", !spread.checked);
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-toggle]")) apply(event.target);
  if (event.target === spread) showSpread();
});

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input:not([type=checkbox]), select, textarea");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key >= "1" && event.key <= "9") {
    const box = boxes[Number(event.key) - 1];
    if (box) toggle(box);
  } else if (event.key === "0") {
    const show = boxes.some((box) => !box.checked);
    for (const box of boxes) { box.checked = show; apply(box); }
  } else if (event.key === "s" && spread) {
    spread.checked = !spread.checked;
    showSpread();
  } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    document.querySelector(event.key === "ArrowLeft" ? "a[rel=prev]" : "a[rel=next]")?.click();
  }
});
