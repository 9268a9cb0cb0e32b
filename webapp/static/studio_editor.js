// A plain text area with line numbers, colours and findings on their lines. The text area stays
// what is written in: undo, search, spelling, screen readers and Tab work as everywhere.
"use strict";

const MARKUP = new RegExp(
  [
    /(?<comment><!--[^]*?(?:-->|$)|\{#[^]*?#\})/,
    /(?<value>\$\{[^{}\n]*\}|\{\{[^]*?\}\}|\{%[^]*?%\})/,
    /(?<tag><\/?[a-zA-Z][\w-]*|\/?>|<!DOCTYPE[^>]*>)/,
    /(?<name>\s[\w:@-]+(?==))/,
    /(?<text>="[^"]*"|='[^']*')/,
  ].map((one) => one.source).join("|"), "g");
const PLACEHOLDER = /\$\{[^{}\n]*\}|\{\{[^]*?\}\}|\{%[^]*?%\}/g;

function piece(className, text) {
  const span = document.createElement("span");
  span.className = className;
  span.textContent = text;
  return span;
}

/** The text in coloured pieces; within quotes, what will be filled in stands out. */
function painted(text) {
  const whole = document.createDocumentFragment();
  let at = 0;
  for (const match of text.matchAll(MARKUP)) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    whole.append(text.slice(at, match.index));
    at = match.index + match[0].length;
    if (kind === "text") whole.append(...quoted(match[0]));
    else whole.append(piece(`is-${kind}`, match[0]));
  }
  whole.append(text.slice(at), "\n");
  return whole;
}

function quoted(text) {
  const pieces = [];
  let at = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    pieces.push(piece("is-text", text.slice(at, match.index)), piece("is-value", match[0]));
    at = match.index + match[0].length;
  }
  pieces.push(piece("is-text", text.slice(at)));
  return pieces;
}

class Editor {
  constructor(place, here) {
    this.area = place.querySelector("textarea");
    this.here = here;
    this.findings = [];
    this.gutter = piece("gutter", "");
    this.paint = piece("paint", "");
    for (const layer of [this.gutter, this.paint]) layer.setAttribute("aria-hidden", "true");
    place.prepend(this.gutter, this.paint);
    place.classList.add("alive");
    this.area.addEventListener("scroll", () => this.follow());
    this.area.addEventListener("input", () => this.draw());
    for (const name of ["keyup", "click", "focus"]) this.area.addEventListener(name, () => this.tell());
    this.gutter.addEventListener("click", (event) => this.goTo(Number(event.target.dataset.line) || 1, 1));
    this.draw();
  }

  get value() { return this.area.value; }

  show(findings) {
    this.findings = findings;
    this.draw();
    this.tell();
  }

  draw() {
    const lines = this.value.split("\n").length;
    const worst = new Map();
    for (const one of this.findings) {
      if (worst.get(one.line) !== "error") worst.set(one.line, one.severity);
    }
    this.gutter.replaceChildren(...Array.from({ length: lines }, (_, index) => {
      const row = piece(worst.get(index + 1) ?? "", String(index + 1));
      row.dataset.line = index + 1;
      return row;
    }));
    this.paint.replaceChildren(painted(this.value));
    this.follow();
  }

  follow() {
    const { scrollTop, scrollLeft } = this.area;
    this.gutter.style.transform = `translateY(${-scrollTop}px)`;
    this.paint.style.transform = `translate(${-scrollLeft}px, ${-scrollTop}px)`;
  }

  line() { return this.value.slice(0, this.area.selectionStart).split("\n").length; }

  /** What is to be said of the line the caret is in: each finding, why, and how to mend it. */
  tell() {
    const line = this.line();
    const found = this.findings.filter((one) => one.line === line);
    const text = found.map((one) => `${one.message}. ${one.why} ${one.mend}`).join(" ");
    const said = `Line ${line}${text ? `: ${text}` : ""}`;
    if (this.here.textContent !== said) this.here.textContent = said;
    this.here.classList.toggle("found", Boolean(text));
  }

  goTo(line, column) {
    const lines = this.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    const at = Math.min(start + column - 1, this.value.length);
    this.area.focus();
    this.area.setSelectionRange(at, at);
    const height = parseFloat(getComputedStyle(this.area).lineHeight);
    this.area.scrollTop = Math.max(0, (line - 4) * height);
    this.tell();
  }
}
