// The adjudicator's desk: draw, move, resize, relabel, merge and undo boxes, by mouse or keyboard.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const desk = document.querySelector("svg.desk");
const form = document.querySelector("[data-desk]");

if (desk) boxDesk();
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

function boxDesk() {
  const width = Number(desk.dataset.width);
  const height = Number(desk.dataset.height);
  const classes = JSON.parse(desk.dataset.classes);
  const drawn = desk.querySelector("[data-drawn]");
  const classField = document.querySelector("[data-class]");
  const field = document.querySelector("[data-boxes]");
  const list = document.querySelector("[data-list]");
  const count = document.querySelector("[data-count]");
  const voice = document.querySelector("[data-say]");
  const stage = document.querySelector("[data-stage]");
  const letter = Math.max(width, height) / 60;
  const past = [];
  let boxes = JSON.parse(desk.dataset.start || "[]").map(plain);
  let chosen = -1;
  let drag = null;

  function plain(box) {
    return { label: box.label, left: box.left, top: box.top, right: box.right, bottom: box.bottom };
  }

  function remember() {
    past.push(JSON.stringify({ boxes, chosen }));
    if (past.length > 200) past.shift();
  }

  function undo() {
    if (!past.length) return say("Nothing to undo");
    ({ boxes, chosen } = JSON.parse(past.pop()));
    show();
    say("Undone");
  }

  function say(text) { voice.textContent = text; }

  function make(name, attributes) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }

  function gripSize() {
    return (10 * width) / Math.max(desk.getBoundingClientRect().width, 1);
  }

  function corners(box) {
    return [["left", "top"], ["right", "top"], ["left", "bottom"], ["right", "bottom"]].map(
      ([x, y]) => ({ x, y, at: [box[x], box[y]] }),
    );
  }

  function show() {
    drawn.replaceChildren(...boxes.map((box, index) => shape(box, index)));
    list.replaceChildren(...boxes.map((box, index) => line(box, index)));
    count.textContent = boxes.length === 1 ? "1 box" : `${boxes.length} boxes`;
    if (!boxes.length) list.append(Object.assign(document.createElement("li"), { className: "small soft", textContent: "Nothing is there." }));
    if (boxes[chosen]) classField.value = boxes[chosen].label;
    field.value = JSON.stringify(boxes);
  }

  function shape(box, index) {
    const group = make("g", { class: index === chosen ? "mine chosen" : "mine" });
    const sides = { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top };
    group.append(make("rect", { class: "halo", ...sides }), make("rect", { class: "edge", "data-index": index, ...sides }));
    const text = make("text", { x: box.left + letter * 0.3, y: Math.max(box.top - letter * 0.4, letter), "font-size": letter });
    text.textContent = box.label;
    group.append(text);
    if (index === chosen) {
      const size = gripSize();
      for (const { x, y, at } of corners(box)) {
        group.append(make("rect", { class: "grip", "data-x": x, "data-y": y, "data-index": index, x: at[0] - size / 2, y: at[1] - size / 2, width: size, height: size }));
      }
    }
    return group;
  }

  function line(box, index) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet small";
    button.setAttribute("aria-pressed", String(index === chosen));
    button.textContent = `${index + 1}. ${box.label}, ${Math.round(box.right - box.left)} × ${Math.round(box.bottom - box.top)}`;
    button.addEventListener("click", () => { choose(index); stage.focus(); });
    item.append(button);
    return item;
  }

  function choose(index) {
    chosen = index;
    show();
    if (boxes[index]) say(`Box ${index + 1} of ${boxes.length}, ${boxes[index].label}`);
  }

  function place(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(desk.getScreenCTM().inverse());
    return [clamp(point.x, 0, width), clamp(point.y, 0, height)];
  }

  function clamp(value, low, high) { return Math.min(Math.max(value, low), high); }

  function round(box) {
    for (const side of ["left", "top", "right", "bottom"]) box[side] = Math.round(box[side] * 100) / 100;
    return box;
  }

  function tidy(box) {
    const { left, right, top, bottom } = box;
    return round({ ...box, left: Math.min(left, right), right: Math.max(left, right), top: Math.min(top, bottom), bottom: Math.max(top, bottom) });
  }

  desk.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    stage.focus({ preventScroll: true });
    const [x, y] = place(event);
    const target = event.target;
    remember();
    if (target.matches(".grip")) {
      drag = { mode: "corner", x: target.dataset.x, y: target.dataset.y };
    } else if (target.matches(".mine .edge")) {
      choose(Number(target.dataset.index));
      drag = { mode: "move", x, y, start: { ...boxes[chosen] } };
    } else {
      boxes.push({ label: classField.value, left: x, top: y, right: x, bottom: y });
      chosen = boxes.length - 1;
      drag = { mode: "corner", x: "right", y: "bottom", isNew: true };
      show();
    }
    desk.setPointerCapture(event.pointerId);
  });

  desk.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [x, y] = place(event);
    const box = boxes[chosen];
    if (drag.mode === "move") {
      shift(box, drag.start, x - drag.x, y - drag.y);
    } else {
      box[drag.x] = x;
      box[drag.y] = y;
    }
    show();
  });

  desk.addEventListener("pointerup", () => {
    if (!drag) return;
    boxes[chosen] = tidy(boxes[chosen]);
    const { left, right, top, bottom } = boxes[chosen];
    if (drag.isNew && (right - left < 2 || bottom - top < 2)) {
      boxes.splice(chosen, 1);
      chosen = -1;
    }
    drag = null;
    show();
  });

  function shift(box, from, dx, dy) {
    const x = clamp(dx, -from.left, width - from.right);
    const y = clamp(dy, -from.top, height - from.bottom);
    box.left = from.left + x; box.right = from.right + x;
    box.top = from.top + y; box.bottom = from.bottom + y;
    round(box);
  }

  function remove() {
    if (chosen < 0) return say("Choose a box first");
    remember();
    boxes.splice(chosen, 1);
    choose(Math.min(chosen, boxes.length - 1));
    say("Removed");
  }

  function addOne() {
    remember();
    boxes.push(round({ label: classField.value, left: width * 0.4, right: width * 0.6, top: height * 0.4, bottom: height * 0.6 }));
    choose(boxes.length - 1);
  }

  function relabel(name) {
    if (chosen < 0) { classField.value = name; return; }
    remember();
    boxes[chosen].label = name;
    show();
    say(`Box ${chosen + 1} is ${name}`);
  }

  function overlap(a, b) {
    const w = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (w <= 0 || h <= 0) return 0;
    const area = (box) => (box.right - box.left) * (box.bottom - box.top);
    return (w * h) / (area(a) + area(b) - w * h);
  }

  /** Boxes of one class that mostly overlap become their mean. */
  function merge() {
    remember();
    const left = [...boxes];
    const merged = [];
    while (left.length) {
      const first = left.shift();
      const group = [first, ...left.filter((box) => box.label === first.label && overlap(first, box) >= 0.5)];
      for (const box of group.slice(1)) left.splice(left.indexOf(box), 1);
      const mean = (side) => group.reduce((sum, box) => sum + box[side], 0) / group.length;
      merged.push(round({ label: first.label, left: mean("left"), top: mean("top"), right: mean("right"), bottom: mean("bottom") }));
    }
    say(`${boxes.length - merged.length} merged away`);
    boxes = merged;
    choose(-1);
  }

  function take(index) {
    remember();
    boxes = [...document.querySelectorAll(`[data-layer="${index}"] rect`)].map((rect) => {
      const [x, y, w, h] = ["x", "y", "width", "height"].map((name) => Number(rect.getAttribute(name)));
      return round({ label: rect.dataset.label, left: x, top: y, right: x + w, bottom: y + h });
    });
    choose(-1);
    say(`${boxes.length} boxes taken`);
  }

  function arrow(event) {
    const step = event.altKey ? 1 : Math.max(1, width / 200);
    const dx = { ArrowLeft: -step, ArrowRight: step }[event.key] ?? 0;
    const dy = { ArrowUp: -step, ArrowDown: step }[event.key] ?? 0;
    const box = boxes[chosen];
    remember();
    if (event.shiftKey) {
      box.right = clamp(box.right + dx, box.left + 1, width);
      box.bottom = clamp(box.bottom + dy, box.top + 1, height);
      round(box);
    } else {
      shift(box, { ...box }, dx, dy);
    }
    show();
  }

  stage.addEventListener("keydown", (event) => {
    const isCommand = event.ctrlKey || event.metaKey;
    if (isCommand && event.key.toLowerCase() === "z") undo();
    else if (isCommand) return;
    else if (event.key === "Tab" && boxes.length && chosen + (event.shiftKey ? -1 : 1) < boxes.length && chosen + (event.shiftKey ? -1 : 1) >= -1 && !(event.shiftKey && chosen < 0)) choose(chosen + (event.shiftKey ? -1 : 1));
    else if (event.key.startsWith("Arrow") && boxes[chosen]) arrow(event);
    else if (event.key === "Delete" || event.key === "Backspace") remove();
    else if (event.key.toLowerCase() === "n") addOne();
    else if (event.key.toLowerCase() === "m") merge();
    else if (event.key === "Escape") choose(-1);
    else if (event.key >= "1" && event.key <= "9" && classes[event.key - 1]) relabel(classes[event.key - 1]);
    else return;
    event.preventDefault();
  });

  classField.addEventListener("change", () => relabel(classField.value));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do], [data-take]");
    if (!button) return;
    if (button.dataset.take) take(Number(button.dataset.take));
    if (button.dataset.do === "undo") undo();
    if (button.dataset.do === "remove") remove();
    if (button.dataset.do === "merge") merge();
    if (button.dataset.do === "clear") { remember(); boxes = []; choose(-1); }
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-toggle]")) return;
    const layer = desk.querySelector(`[data-layer="${event.target.dataset.toggle}"]`);
    layer?.toggleAttribute("hidden", !event.target.checked);
  });
  addEventListener("resize", show);
  show();
}
