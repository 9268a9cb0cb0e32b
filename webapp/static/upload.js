// Sends files a few at a time and shows how far it is; without it the form sends all at once.
"use strict";

const PIECE = 8 * 1024 * 1024;
const MOST_AT_ONCE = 100;
const TRIES = 6;
const form = document.querySelector("form[data-upload]");
const part = (name) => form.querySelector(`[data-${name}]`);
const csrf = document.querySelector('meta[name="csrf-token"]').content;
let dropped = [];
let stopped = false;

class Refused extends Error {}

/** A request that is tried again when the way is broken, and not when it is refused. */
async function send(address, body) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await fetch(address, {
        method: "POST",
        body,
        headers: { Accept: "application/json", "X-CSRFToken": csrf },
      });
      if (answer.ok) return await answer.json();
      if (answer.status < 500 && answer.status !== 429) {
        const told = await answer.json().catch(() => null);
        throw new Refused(told?.error?.message ?? `The server answered ${answer.status}.`);
      }
      throw new Error(`the server answered ${answer.status}`);
    } catch (error) {
      if (error instanceof Refused || attempt === TRIES || stopped) throw error;
      part("sent").textContent = `The connection broke off (${error.message}). Trying again…`;
      await new Promise((go) => setTimeout(go, 500 * 2 ** attempt));
    }
  }
}

const pathOf = (file) => file.path ?? (file.file.webkitRelativePath || file.file.name);
const isRubbish = (path) =>
  path.split("/").some((name) => name.startsWith(".") || /^(thumbs\.db|desktop\.ini|__macosx)$/i.test(name));

function chosen() {
  const picked = [...form.querySelectorAll('input[type="file"]')].flatMap((input) =>
    [...input.files].map((file) => ({ file })));
  return [...picked, ...dropped].filter((each) => !isRubbish(pathOf(each)));
}

/** Large files alone, in pieces; small ones together. */
function parcels(files) {
  const found = [];
  let open = null;
  for (const each of files) {
    if (each.file.size > PIECE) {
      found.push({ large: each });
      continue;
    }
    if (!open || open.size + each.file.size > PIECE || open.small.length === MOST_AT_ONCE) {
      open = { small: [], size: 0 };
      found.push(open);
    }
    open.small.push(each);
    open.size += each.file.size;
  }
  return found;
}

async function sendParcel(address, parcel, sent) {
  if (parcel.small) {
    const body = new FormData();
    for (const each of parcel.small) body.append("files", each.file, pathOf(each));
    await send(address, body);
    return sent(parcel.size, parcel.small.length);
  }
  const { file } = parcel.large;
  for (let offset = 0; offset < file.size && !stopped; offset += PIECE) {
    const piece = file.slice(offset, offset + PIECE, "application/octet-stream");
    await send(`${address}?path=${encodeURIComponent(pathOf(parcel.large))}&offset=${offset}`, piece);
    sent(piece.size, offset + PIECE >= file.size ? 1 : 0);
  }
}

function progressOf(files) {
  const total = files.reduce((sum, each) => sum + each.file.size, 0);
  const done = { size: 0, count: 0 };
  const show = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
  const bar = part("sending").querySelector("progress");
  bar.max = Math.max(total, 1);
  return (size, count) => {
    done.size += size;
    done.count += count;
    bar.value = done.size;
    part("sent").textContent =
      `${show.format(done.count)} of ${show.format(files.length)} files, ` +
      `${show.format(done.size / 1e6)} of ${show.format(total / 1e6)} MB sent`;
  };
}

function busy(isBusy) {
  part("sending").hidden = part("stop").hidden = !isBusy;
  part("send").disabled = isBusy;
  if (isBusy) part("trouble").hidden = true;
  (isBusy ? addEventListener : removeEventListener)("beforeunload", warn);
}

function warn(event) { event.preventDefault(); }

function complain(text) {
  part("trouble").textContent = text;
  part("trouble").hidden = false;
}

async function upload(files) {
  const facts = new FormData(form);
  for (const name of ["files", "csrf_token"]) facts.delete(name);
  let places = null;
  try {
    places = await send(form.dataset.upload, facts);
    const waiting = parcels(files);
    const sent = progressOf(files);
    sent(0, 0);
    const work = async () => {
      while (waiting.length && !stopped) await sendParcel(places.files, waiting.shift(), sent);
    };
    await Promise.all([work(), work(), work()]);
    if (!stopped) {
      part("sent").textContent = "All sent. Opening them…";
      const { page } = await send(places.start, new FormData());
      busy(false);
      location.assign(page);
      return;
    }
  } catch (error) {
    stopped = true;
    complain(error instanceof Refused ? error.message : `It could not be sent: ${error.message}`);
  }
  busy(false);
  if (places) {
    fetch(places.cancel, { method: "POST", headers: { "X-CSRFToken": csrf }, redirect: "manual" });
  }
}

form.addEventListener("submit", (event) => {
  const files = chosen();
  if (form.elements.place.value.trim()) return;
  event.preventDefault();
  if (!files.length) return complain("Choose images, a zip archive or a folder first.");
  stopped = false;
  busy(true);
  upload(files);
});
part("stop").addEventListener("click", () => {
  stopped = true;
  complain("Cancelled. Nothing of it is kept.");
  part("send").focus();
});

/** Files below a dropped entry, each with its path. */
async function below(entry, path = "") {
  if (entry.isFile) {
    const file = await new Promise((found, failed) => entry.file(found, failed));
    return [{ file, path: path + entry.name }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const entries = await new Promise((ok, failed) => reader.readEntries(ok, failed));
    if (!entries.length) return found;
    for (const each of entries) found.push(...(await below(each, `${path}${entry.name}/`)));
  }
}

const zone = part("drop");
const hint = part("drop-hint");
hint.hidden = false;
zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.dataset.over = "yes"; });
zone.addEventListener("dragleave", () => { delete zone.dataset.over; });
zone.addEventListener("drop", async (event) => {
  event.preventDefault();
  delete zone.dataset.over;
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  for (const entry of entries) dropped.push(...(await below(entry)));
  hint.textContent = `${dropped.length} dropped files will be sent too.`;
});
