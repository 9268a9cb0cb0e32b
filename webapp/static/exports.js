// The export form offers what the chosen format can hold, and says how many labels it would be.
"use strict";

const form = document.querySelector("[data-export]");
const told = document.querySelector("[data-count]");
let asking = new AbortController();
let waiting = 0;

/** What the chosen format has no room for is neither shown nor sent. */
function offer() {
  const format = form.querySelector("[name=format]:checked");
  if (!format) return;
  const holds = format.dataset.holds.split(" ");
  for (const label of form.querySelectorAll("[data-extra]")) {
    const box = label.querySelector("input");
    label.hidden = box.disabled = !holds.includes(box.value);
  }
  const kind = form.querySelector("[data-kind]");
  if (kind) kind.hidden = kind.querySelector("select").disabled = !format.dataset.kinds.includes(" ");
}

async function count() {
  asking.abort();
  asking = new AbortController();
  const fields = new FormData(form);
  fields.delete("csrf_token");
  fields.delete("name");
  try {
    const address = `${form.dataset.export}?${new URLSearchParams(fields)}`;
    const answer = await fetch(address, { signal: asking.signal });
    const html = await answer.text();
    if (answer.ok) told.innerHTML = html;
    else told.textContent = reason(html);
  } catch (error) {
    if (error.name !== "AbortError") told.textContent = "The labels could not be counted now.";
  }
}

/** The message of an error page. */
function reason(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  return page.querySelector('[role="alert"] p')?.textContent ?? "The labels could not be counted now.";
}

function countSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(count, 250);
}

if (form) {
  form.addEventListener("change", () => { offer(); countSoon(); });
  form.addEventListener("input", countSoon);
  offer();
  count();
}
