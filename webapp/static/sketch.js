// Keeps the question as it is written, so that leaving the page loses nothing.
"use strict";

const form = document.querySelector("form[data-sketch]");
const note = form.querySelector("[data-kept]");
const csrf = document.querySelector('meta[name="csrf-token"]').content;
let sketch = Number(new URLSearchParams(location.search).get("sketch") ?? 0);
let waiting = null;
let isSaving = false;

async function keep() {
  if (isSaving) return wait();
  isSaving = true;
  const facts = new FormData(form);
  for (const [name, value] of [...facts]) if (value instanceof File || name === "csrf_token") facts.delete(name);
  const answer = await fetch(`${form.dataset.sketch}&sketch=${sketch}`, {
    method: "POST", body: facts, headers: { Accept: "application/json", "X-CSRFToken": csrf },
  }).catch(() => null);
  isSaving = false;
  if (!answer?.ok) {
    note.textContent = "Could not be kept just now.";
    return;
  }
  if (!sketch) {
    sketch = (await answer.json()).sketch;
    const here = new URL(location.href);
    here.searchParams.set("sketch", sketch);
    history.replaceState(null, "", here);
    form.action = form.getAttribute("action").replace(/sketch=\d+/, `sketch=${sketch}`);
    const later = form.querySelector("[formaction]");
    later.formAction = later.getAttribute("formaction").replace(/sketch=\d+/, `sketch=${sketch}`);
  }
  note.textContent = "Kept as you write.";
}

function wait() {
  clearTimeout(waiting);
  waiting = setTimeout(keep, 1200);
}

form.addEventListener("input", wait);
form.addEventListener("submit", () => clearTimeout(waiting));
