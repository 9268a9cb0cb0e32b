// Small comforts on every page. Nothing here is needed to do the work.
"use strict";

const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** Times in the reader's zone; the UTC text stays as the title. */
function localTimes(root) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const element of root.querySelectorAll("time[datetime]")) {
    if (element.title) continue;
    element.title = element.textContent;
    element.textContent = format.format(new Date(element.dateTime));
  }
}

function showZone() {
  const place = document.querySelector("[data-zone]");
  if (place) place.textContent = `Times in ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
}

/** A menu closes on Escape and on a press elsewhere. */
function closeMenus(event) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    const isInside = menu.contains(event.target);
    if (event.type === "keydown" ? event.key === "Escape" : !isInside) {
      menu.open = false;
      if (event.type === "keydown") menu.querySelector("summary").focus();
    }
  }
}

/** A form marked data-once cannot be sent twice by a double press. */
function sendOnce(event) {
  const form = event.target;
  if (!form.matches("form[data-once]")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  const button = event.submitter;
  if (button?.dataset.busy) button.textContent = button.dataset.busy;
}

/** The first-run token travels in the fragment, which no server log ever sees. */
function fillFromFragment() {
  const field = document.querySelector("[data-from-fragment]");
  if (field && location.hash.length > 1) {
    field.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname);
  }
}

/** A select or box marked data-submit sends its form when it changes. */
function submitOnChange(event) {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
}

/** A stream ends as meant after half a minute, and the browser asks for it again: no error for htmx to tell. */
function openStream(address) {
  const stream = new EventSource(address, { withCredentials: true });
  const hearFailure = (tell) => stream.addEventListener("error", (event) => {
    if (stream.readyState === EventSource.CLOSED) tell(event); // refused: htmx tries again, ever later
  });
  Object.defineProperty(stream, "onerror", { set: hearFailure });
  return stream;
}
htmx.createEventSource = openStream;

/** What a number means, beside it, for pointer and keyboard; above everything, cut off by nothing. */
const tip = Object.assign(document.createElement("div"), { className: "tip", popover: "manual" });
tip.setAttribute("aria-hidden", "true");
document.body.append(tip);

let explained = null;
let soon = 0;
const UNHURRIED = 400; // milliseconds: nobody who presses a button they know waits that long

/** A button explains itself to a pointer that stays, a finger that holds, and the keyboard. */
function explain(event) {
  const term = event.target.closest?.("[data-tip]");
  if (!term) return;
  const isButton = term.matches("button");
  if (event.type === "focusin" && isButton && !term.matches(":focus-visible")) return;
  clearTimeout(soon);
  if (isButton && event.type === "pointerover") soon = setTimeout(() => showTip(term), UNHURRIED);
  else showTip(term);
}

function showTip(term) {
  explained = term;
  tip.textContent = term.dataset.tip;
  tip.showPopover();
  placeTip();
}

function placeTip() {
  const place = explained.getBoundingClientRect();
  const size = tip.getBoundingClientRect();
  const below = place.bottom + 6;
  tip.style.left = `${Math.max(8, Math.min(place.left, innerWidth - size.width - 8))}px`;
  tip.style.top = `${below + size.height < innerHeight ? below : place.top - size.height - 6}px`;
}

function hush() {
  clearTimeout(soon);
  explained = null;
  if (tip.matches(":popover-open")) tip.hidePopover();
}

/** What the keyboard is at is scrolled into view: its words come along. */
function follow() {
  if (explained?.matches(":focus-visible")) placeTip();
  else hush();
}

for (const name of ["pointerover", "focusin"]) document.addEventListener(name, explain);
for (const name of ["pointerout", "focusout"]) document.addEventListener(name, hush, true);
document.addEventListener("scroll", follow, true);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hush(); });

document.addEventListener("click", closeMenus);
document.addEventListener("keydown", closeMenus);
document.addEventListener("submit", sendOnce);
document.addEventListener("change", submitOnChange);
document.querySelector("[data-back]")?.addEventListener("click", (event) => {
  if (history.length > 1) { event.preventDefault(); history.back(); }
});
localTimes(document);
showZone();
fillFromFragment();
// What htmx brings later has times of its own.
document.addEventListener("htmx:afterSwap", () => localTimes(document));
