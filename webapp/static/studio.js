// The studio: what the editor holds is looked at, shown in the frame, answered and tried.
"use strict";

const form = document.getElementById("studio");
const part = (name) => form.querySelector(`[data-${name}]`);
const editor = new Editor(part("editor"), document.getElementById("here"));
const kept = editor.value;
// A field of the form is called dataset, and hides the property of that name.
const addresses = Object.fromEntries(["preview", "answer", "trials"].map((name) => [name, form.getAttribute(`data-${name}`)]));
let frame = null;
let shownAt = 0;
let latest = 0;

async function send(address, more = {}) {
  const body = new FormData(form);
  body.delete("file");
  for (const [name, value] of Object.entries(more)) body.set(name, value);
  const answer = await fetch(address, { method: "POST", body });
  if (answer.headers.get("Content-Type")?.includes("json")) return answer.json();
  const said = { 413: "The page and its rows are too large to send together.", 429: "Too many looks a minute: wait a little." };
  return { problem: said[answer.status] ?? `The server answered ${answer.status}. Reload the page.`, findings: [], frame: null };
}

function say(problem) {
  part("problem").hidden = !problem;
  part("problem").textContent = problem;
}

/** Everything that follows from the text and its data; an answer that is overtaken is dropped. */
async function look() {
  const mine = (latest += 1);
  const found = await send(addresses.preview).catch(() => null);
  if (mine !== latest) return;
  if (!found) return say("The server does not answer. Your text is still here.");
  say(found.problem);
  listFindings(found.findings);
  part("size").textContent = found.size ?? "";
  if (found.n_pages) {
    form.elements.number.value = found.number;
    part("pages").textContent = `of ${found.n_pages.toLocaleString()}`;
  }
  if (found.frame) show(found.frame);
}

/** A frame of its own for each look: the browser's way back stays free of previews. */
function show(page) {
  const stand = part("stand");
  frame = document.createElement("iframe");
  frame.title = "The page as a worker sees it";
  frame.name = `preview-${latest}`;
  frame.setAttribute("sandbox", "allow-scripts allow-forms allow-modals");
  stand.replaceChildren(frame);
  const post = document.createElement("form");
  Object.assign(post, { method: "post", action: page.address, target: frame.name, hidden: true });
  for (const name of ["html", "studio", "seal"]) {
    const field = document.createElement("textarea");
    Object.assign(field, { name, value: page[name] });
    post.append(field);
  }
  document.body.append(post);
  post.submit();
  post.remove();
  shownAt = performance.now();
  part("answered").hidden = true;
}

function listFindings(findings) {
  editor.show(findings);
  const items = findings.map((one) => {
    const item = document.createElement("li");
    const where = document.createElement("button");
    where.type = "button";
    where.className = "small quiet";
    where.textContent = `Line ${one.line}`;
    where.addEventListener("click", () => editor.goTo(one.line, one.column));
    const text = document.createElement("div");
    const head = document.createElement("p");
    head.append(piece(`pill ${one.severity === "error" ? "bad" : "warn"}`, one.severity), ` ${one.message}`);
    const why = document.createElement("p");
    why.className = "small soft";
    why.textContent = `${one.why} ${one.mend}`;
    text.append(head, why);
    item.append(where, text);
    return item;
  });
  if (!items.length) {
    const item = document.createElement("li");
    item.className = "soft";
    item.textContent = "Nothing to mend.";
    items.push(item);
  }
  part("findings").replaceChildren(...items);
}

/** The frame has sent its answer: read it as a job would. */
async function receive(event) {
  if (!frame || event.source !== frame.contentWindow || typeof event.data?.trial !== "string") return;
  const seconds = (performance.now() - shownAt) / 1000;
  const raw = event.data.trial;
  const found = await send(addresses.answer, { document: raw });
  const verdict = part("verdict");
  verdict.className = `banner ${found.problem ? "bad" : "good"}`;
  const good = found.is_asked ? "A job would take this answer" : "The answer arrived";
  verdict.textContent = found.problem ? `A job would refuse this answer: ${found.problem}` : `${good}, ${seconds.toFixed(1)} seconds after the page was shown.`;
  part("parsed").textContent = JSON.stringify(found.value ?? found.fields ?? {}, null, 2);
  part("document").textContent = raw;
  part("answered").hidden = false;
  document.getElementById("answer-title").focus();
}

async function tryAll() {
  const place = part("trial");
  part("try").disabled = true;
  const begun = await send(addresses.trials);
  if (begun.problem) {
    const problem = piece("banner bad pre", begun.problem);
    problem.setAttribute("role", "alert");
    place.replaceChildren(problem);
    part("try").disabled = false;
    return;
  }
  for (;;) {
    const answer = await fetch(begun.address);
    place.innerHTML = await answer.text();
    if (place.querySelector("[data-trial-state]")?.dataset.trialState !== "planned") break;
    await new Promise((done) => setTimeout(done, 1500));
  }
  part("try").disabled = false;
}

let waiting = 0;
function lookSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(look, 500);
  part("unsaved").textContent = editor.value === kept ? "" : "Not saved since your last change.";
}

function step(by) {
  const { number } = form.elements;
  number.value = Math.max(1, (Number(number.value) || 1) + by);
  look();
}

function setWidth(button) {
  for (const one of form.querySelectorAll("[data-width]")) one.setAttribute("aria-pressed", String(one === button));
  part("stand").style.maxWidth = button.dataset.width ? `${button.dataset.width}px` : "";
}

function showData() {
  for (const place of form.querySelectorAll("[data-of]")) place.hidden = place.dataset.of !== form.elements.data.value;
}

async function takeFile(event) {
  const [file] = event.target.files;
  if (!file) return;
  if (file.size > 300_000) return say("The file is larger than 300 KB: take some of its rows.");
  form.elements.rows.value = await file.text();
  look();
}

form.addEventListener("input", (event) => { if (!["name", "note"].includes(event.target.name) && event.target.type !== "file") lookSoon(); });
form.elements.data.forEach((one) => one.addEventListener("change", showData));
for (const button of form.querySelectorAll("[data-step]")) button.addEventListener("click", () => step(Number(button.dataset.step)));
for (const button of form.querySelectorAll("[data-width]")) button.addEventListener("click", () => setWidth(button));
part("again").addEventListener("click", look);
part("file").addEventListener("change", takeFile);
part("try")?.addEventListener("click", tryAll);
addEventListener("message", receive);
let isSaving = false;
form.addEventListener("submit", () => { isSaving = true; });
addEventListener("beforeunload", (event) => { if (!isSaving && editor.value !== kept) event.preventDefault(); });
showData();
look();
