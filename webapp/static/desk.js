// The adjudication desk: keys and buttons, who else is looking, and the way to the next question.
"use strict";

const deskForm = document.querySelector("[data-desk]");
const deskStage = document.querySelector("[data-stage]");
const deskVoice = document.querySelector("[data-say]");
const deskPart = (name) => document.querySelector(`[data-${name}]`);
const deskSays = (words) => { deskVoice.textContent = words; };
const deskBoxes = deskStage.dataset.kind === "boxes" ? new BoxDesk(deskStage, deskForm, deskSays) : null;
const deskPicture = deskBoxes?.picture ?? new Picture(deskStage);
const deskSaid = JSON.parse(deskStage.dataset.voices);

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ACTS = {
  zoomIn: () => deskPicture.zoomTo(deskPicture.zoom * 1.5),
  zoomOut: () => deskPicture.zoomTo(deskPicture.zoom / 1.5),
  fit: () => deskPicture.zoomTo(1),
  reload: () => deskPicture.reload(),
  help: () => deskPart("keys").showModal(),
  reason: () => deskPart("reason").focus(),
  note: () => document.querySelector("#note").focus(),
  skip: () => document.querySelector("#skip").requestSubmit(),
  takeBack: () => document.querySelector("#undo")?.requestSubmit(document.querySelector("#undo button")),
  takeOver: () => askAround("take_over"),
};
const BOX_ACTS = {
  undo: (desk) => desk.back(false), redo: (desk) => desk.back(true), add: (desk) => desk.addInView(),
  draw: (desk) => desk.draw(true), hand: (desk) => desk.draw(false), swap: (desk) => desk.draw(!desk.isDrawing),
  merge: (desk) => desk.merge(), split: (desk) => desk.split(), remove: (desk) => desk.remove(), clear: (desk) => desk.clear(),
  accept: (desk) => desk.accept(), mark: (desk) => desk.toggleMark(desk.chosen), next: (desk) => desk.step(1),
  previous: (desk) => desk.step(-1), others: (desk) => desk.toggleOthers(), nothing: (desk) => desk.choose(null),
};
const KEYS = { "+": "zoomIn", "=": "zoomIn", "-": "zoomOut", 0: "fit", "?": "help", r: "reason", l: "note", s: "skip", u: "takeBack" };
const BOX_KEYS = {
  n: "next", p: "previous", a: "accept", b: "add", m: "merge", x: "split", delete: "remove", backspace: "remove", e: "clear",
  " ": "mark", h: "swap", t: "others", escape: "nothing",
};

function act(name) {
  if (ACTS[name]) ACTS[name]();
  else if (deskBoxes && BOX_ACTS[name]) BOX_ACTS[name](deskBoxes);
}

/** The digit of a key with Shift, whatever sign the keyboard writes with it. */
function digitOf(event) { return Number(/^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1] ?? 0); }

function takeVoice(index) {
  if (deskBoxes) return deskBoxes.takeAll(index);
  const voice = deskSaid[index];
  if (!voice) return undefined;
  for (const [name, value] of Object.entries(voice.tags)) {
    for (const input of document.getElementsByName(`tag-${name}`)) input.checked = [value].flat().includes(input.value);
  }
  deskForm.dispatchEvent(new CustomEvent("desk:changed", { detail: index === 0 }));
  return deskSays(`${voice.name}: tags taken`);
}

function pickOption(number) {
  const group = document.activeElement.closest?.("[data-attribute]") ?? document.querySelector("[data-attribute]");
  group?.querySelectorAll("input:not([type=hidden])")[number - 1]?.click();
}

function onDigit(number, isShifted) {
  if (isShifted) takeVoice(number - 1);
  else if (!deskBoxes) pickOption(number);
  else if (deskBoxes.classes[number - 1]) deskBoxes.relabel(deskBoxes.classes[number - 1]);
}

function onCommandKey(event) {
  const key = event.key.toLowerCase();
  if (key === "enter") { deskForm.requestSubmit(deskPart("decide")); return true; }
  if (deskBoxes && (key === "z" || key === "y")) {
    deskBoxes.back(key === "y" || event.shiftKey);
    event.stopPropagation(); // the library would undo by itself
    return true;
  }
  if (deskBoxes && ARROWS[event.key]) { deskBoxes.arrow(...ARROWS[event.key], event); return true; }
  return false;
}

/** Whether the key belongs to a field that is being filled in. */
function isTyping(event) { return Boolean(event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea, dialog")); }

function onPlainKey(event) {
  if (!singleKeys() && !deskStage.contains(event.target)) return false;
  const isControl = Boolean(event.target.closest("button, a, summary, input"));
  if (ARROWS[event.key]) {
    if (isControl && !deskStage.contains(event.target)) return false; // radio buttons use them
    if (deskBoxes) deskBoxes.arrow(...ARROWS[event.key], event);
    else deskPicture.scroll(...ARROWS[event.key].map((way) => 40 * way));
    return true;
  }
  const number = digitOf(event);
  if (number && !event.altKey) { onDigit(number, event.shiftKey); return true; }
  if (event.key === " " && isControl) return false;
  const name = KEYS[event.key.toLowerCase()] ?? (deskBoxes && BOX_KEYS[event.key.toLowerCase()]);
  if (name && !event.altKey) act(name);
  return Boolean(name) && !event.altKey;
}

addEventListener("keydown", (event) => {
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && event.key === "Enter" && !deskPart("keys").open) onCommandKey(event);
  else if (isTyping(event)) return;
  else if (!(isCommand ? onCommandKey(event) : onPlainKey(event))) return;
  event.preventDefault();
}, true);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do], [data-take], [data-accept]");
  if (!button) return;
  if (button.dataset.accept) {
    takeVoice(Number(button.dataset.accept));
    deskForm.requestSubmit(deskPart("decide"));
  } else if (button.dataset.take) takeVoice(Number(button.dataset.take));
  else act(button.dataset.do);
});

/** Single keys can be turned off, for people who speak to their computer. */
function singleKeys() { return localStorage.getItem("desk-single-keys") !== "off"; }
deskPart("single").checked = singleKeys();
deskPart("single").addEventListener("change", (event) => localStorage.setItem("desk-single-keys", event.target.checked ? "on" : "off"));

// The reason says what was done, until the person chooses one.
let isReasonChosen = "again" in deskForm.dataset; // a form that came back keeps what was chosen
const reasonField = deskPart("reason");
reasonField.addEventListener("change", () => { isReasonChosen = true; showResult(); });
deskForm.addEventListener("desk:changed", (event) => {
  if (!isReasonChosen) reasonField.value = event.detail ? "agreed" : reasonField.dataset.changed;
});
deskForm.addEventListener("change", (event) => {
  if (event.target.name?.startsWith("tag-") && !isReasonChosen) reasonField.value = reasonField.dataset.changed;
});

function showResult() {
  const isSetAside = Boolean(reasonField.selectedOptions[0].closest("[data-no-label]"));
  deskPart("decide").firstChild.textContent = isSetAside ? "Set aside and go on " : "Decide and go on "; // its key follows
  deskPart("result").textContent = isSetAside
    ? "No label: it is counted by its reason and stays out of exports."
    : "Earlier versions are kept.";
  deskForm.classList.toggle("aside", isSetAside);
}

deskForm.addEventListener("submit", (event) => {
  const note = document.querySelector("#note");
  const isNeeded = event.submitter?.value === "ask" || reasonField.value === "other";
  if (!isNeeded || note.value.trim()) return;
  event.preventDefault();
  event.stopPropagation();
  note.focus();
  note.setAttribute("aria-invalid", "true");
  note.placeholder = "Say in a few words what to look at";
  deskSays("A note is needed: say in a few words what to look at.");
});

/** Tells the others that this person looks, and hears who else does, or has decided. */
async function askAround(what = "look") {
  if (!deskForm.dataset.look) return; // who may not decide does not keep others away
  const body = new URLSearchParams({ act: what });
  const answer = await fetch(deskForm.dataset.look, { method: "POST", body, headers: { "X-CSRFToken": token } }).catch(() => null);
  if (!answer?.ok) return;
  const { look, version } = await answer.json();
  deskPart("looking").hidden = !look || look.is_mine;
  deskPart("looking-name").textContent = look?.name ?? "";
  deskPart("newer").hidden = version === Number(deskForm.dataset.version);
}

askAround();
setInterval(() => { if (!document.hidden) askAround(); }, 45_000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) askAround(); });
addEventListener("pagehide", () => {
  if (deskForm.dataset.look) navigator.sendBeacon(deskForm.dataset.look, new URLSearchParams({ act: "leave", csrf_token: token }));
});

// The next picture is there before it is needed.
if (deskStage.dataset.ahead) new Image().src = deskStage.dataset.ahead;
showResult();
