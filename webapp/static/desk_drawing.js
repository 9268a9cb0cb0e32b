// The boxes of a decision: one's own, beside those of every voice, and all that can be done to them.
"use strict";

class BoxDesk {
  /** `say` tells what happened to whoever cannot see it. */
  constructor(stage, form, say) {
    this.form = form;
    this.say = say;
    this.classes = JSON.parse(stage.dataset.classes);
    this.label = this.classes[0];
    this.serial = 0;
    this.voices = JSON.parse(stage.dataset.voices).map((voice, index) => this.readVoice(voice, index));
    this.start = this.fromStart(JSON.parse(stage.dataset.start));
    this.steps = new Steps(this.start);
    this.chosen = null;
    this.marked = new Set();
    this.isDrawing = true;
    this.picture = new Picture(stage);
    this.layer = new Layer(this.picture, {
      onchoose: (id) => this.choose(id),
      onedit: (id, sides) => { this.live = { id, sides }; this.showTags(); },
      onrelease: () => this.endEdit(),
      ondraw: (sides) => this.add(sides),
    });
    this.picture.listeners.push(() => this.showTags());
    this.find = (name) => document.querySelector(`[data-${name}]`);
    this.find("class").addEventListener("change", (event) => this.relabel(event.target.value));
    this.find("list").addEventListener("click", (event) => this.onList(event));
    this.picture.canvas.addEventListener("pointerdown", (event) => this.onPress(event), true);
    this.picture.canvas.addEventListener("dblclick", () => this.accept());
    this.show();
  }

  readVoice(voice, index) {
    const boxes = voice.boxes.map((box, place) => ({
      ...box, id: `${voice.style}:${index}:${place}`, how: "taken", answers: voice.answers[place], weight: voice.weight, from: voice.name,
    }));
    const toggle = document.querySelector(`[data-toggle="${index}"]`);
    toggle.addEventListener("change", () => this.show());
    return { ...voice, boxes, toggle };
  }

  /** The boxes to begin with; those that a voice drew just so remember it. */
  fromStart(boxes) {
    const known = this.voices.flatMap((voice) => voice.boxes);
    return boxes.map((box) => {
      const twin = known.find((other) => Boxes.same([box], [other]));
      const { label, left, top, right, bottom } = box;
      return this.own({ label, left, top, right, bottom }, twin ? "taken" : "drawn", twin?.answers ?? []);
    });
  }

  own(box, how, answers) {
    this.serial += 1;
    return { ...box, id: `mine-${this.serial}`, how, answers, weight: null };
  }

  get boxes() { return this.steps.present; }

  get others() { return this.voices.filter((voice) => voice.toggle.checked).flatMap((voice) => voice.boxes); }

  get all() { return [...this.boxes, ...this.others]; }

  box(id) { return this.all.find((box) => box.id === id); }

  get mine() { return this.boxes.find((box) => box.id === this.chosen); }

  take(next, kind = "") {
    this.steps.take(next, kind);
    this.marked.clear();
    this.show();
  }

  change(id, edit, kind = "") {
    const changed = (box) => ({ ...edit(box), how: box.how === "taken" ? "corrected" : box.how });
    this.take(this.boxes.map((box) => (box.id === id ? changed(box) : box)), kind);
  }

  endEdit() {
    const { live } = this;
    this.live = null;
    if (live) this.change(live.id, (box) => Boxes.within({ ...box, ...live.sides }, this.picture.size));
  }

  show() {
    if (!this.box(this.chosen)) this.chosen = null;
    this.marked = new Set([...this.marked].filter((id) => this.box(id)));
    this.layer.show(this.all, this.chosen, this.marked);
    this.showList();
    this.showPicked();
    this.showTags();
    this.find("boxes").value = JSON.stringify(this.boxes.map(({ label, left, top, right, bottom }) => ({ label, left, top, right, bottom })));
    this.find("sources").value = JSON.stringify(this.boxes.map(({ how, answers }) => ({ how, answers })));
    this.find("count").textContent = this.boxes.length === 1 ? "1 box" : `${this.boxes.length} boxes`;
    for (const [name, kept] of [["undo", this.steps.past], ["redo", this.steps.future]]) this.button(name).disabled = !kept.length;
    this.button("merge").disabled = !this.chosen && this.marked.size < 2;
    for (const name of ["split", "remove"]) this.button(name).disabled = !this.mine;
    const shown = this.box(this.chosen)?.label ?? this.label;
    this.find("class").value = shown;
    this.form.dispatchEvent(new CustomEvent("desk:changed", { detail: Boxes.same(this.boxes, this.start) }));
  }

  button(name) { return document.querySelector(`[data-do="${name}"]`); }

  showList() {
    const made = this.boxes.map((box, index) => this.line(box, index));
    const nothing = Object.assign(document.createElement("li"), { className: "small soft", textContent: "Nothing is there." });
    this.find("list").replaceChildren(...(made.length ? made : [nothing]));
  }

  line(box, index) {
    const item = document.createElement("li");
    const mark = Object.assign(document.createElement("input"), { type: "checkbox", checked: this.marked.has(box.id) });
    mark.dataset.mark = box.id;
    mark.setAttribute("aria-label", `Choose box ${index + 1} for merging`);
    const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet small" });
    button.dataset.choose = box.id;
    button.setAttribute("aria-pressed", String(box.id === this.chosen));
    const note = Object.assign(document.createElement("small"), { className: "soft", textContent: `${Boxes.size(box)}${box.how === "drawn" ? "" : `, ${box.how}`}` });
    button.append(`${index + 1}. ${box.label} `, note);
    item.append(mark, button);
    return item;
  }

  onList(event) {
    const { mark, choose } = event.target.closest("[data-mark], [data-choose]")?.dataset ?? {};
    if (mark) this.toggleMark(mark);
    if (choose) { this.choose(choose); this.find("list").querySelector(`[data-choose="${choose}"]`)?.focus(); }
  }

  /** What is chosen on the picture, and what can be done with it. */
  showPicked() {
    const box = this.box(this.chosen);
    const place = this.find("picked");
    const text = Object.assign(document.createElement("span"), { className: "grow" });
    place.replaceChildren(text);
    const picked = this.marked.size ? `${this.marked.size} chosen for merging. ` : "";
    if (!box) {
      text.className = "grow soft small";
      text.textContent = `${picked}${picked ? "" : "Press a box to choose it. Drag to draw a new one."}`;
      return;
    }
    text.textContent = `${picked}${box.from ?? "Yours"}: ${box.label}, ${Boxes.size(box)}`;
    const isMarked = this.marked.has(box.id);
    if (Layer.isVoice(box.id)) place.append(this.offer("accept", "Accept", "Copies this box into your decision.", "A"));
    place.append(this.offer("mark", isMarked ? "Do not merge" : "Choose for merging", "Choose several boxes, then merge them.", "Space"));
  }

  /** A button that says what it does and its key, as those of the page do. */
  offer(name, words, does, key) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "small" });
    const hint = Object.assign(document.createElement("kbd"), { className: "hint", textContent: key, ariaHidden: "true" });
    button.append(`${words} `, hint);
    button.dataset.do = name;
    button.dataset.tip = `${does} Key: ${key}`;
    button.setAttribute("aria-description", does);
    button.setAttribute("aria-keyshortcuts", key);
    return button;
  }

  /** The classes beside one's own boxes; a voice's box has its words while it is chosen. */
  showTags() {
    const { scale } = this.picture;
    const named = [...this.boxes, ...this.others.filter((box) => box.id === this.chosen)];
    this.find("tags").replaceChildren(...named.map((box) => {
      const at = this.live?.id === box.id ? { ...box, ...this.live.sides } : box;
      const tag = Object.assign(document.createElement("span"), { className: "boxtag", textContent: box.from ? `${box.from}: ${box.label}` : box.label });
      tag.classList.toggle("inside", at.top * scale < 20);
      tag.classList.toggle("other", Boolean(box.from));
      tag.style.left = `${at.left * scale}px`;
      tag.style.top = `${at.top * scale}px`;
      return tag;
    }));
  }

  choose(id) {
    this.chosen = id;
    const box = this.box(id);
    if (box) {
      this.label = box.label;
      this.picture.reveal(box);
      this.say(`${box.from ?? "Your box"}: ${box.label}, ${Boxes.size(box)}`);
    }
    this.show();
  }

  /** Shift and a press choose several. */
  onPress(event) {
    const id = event.target.closest?.("[data-id]")?.dataset.id;
    if (event.button === 0 && event.shiftKey && id) {
      event.stopPropagation();
      this.toggleMark(id);
    } else if (event.button === 1 || (event.button === 0 && !this.isDrawing && event.pointerType === "mouse" && !id)) {
      event.preventDefault();
      this.picture.drag(event);
    }
  }

  toggleMark(id) {
    if (!this.box(id)) return;
    if (!this.marked.delete(id)) this.marked.add(id);
    this.say(`${this.marked.size} chosen for merging`);
    this.show();
  }

  step(direction) {
    const boxes = this.all;
    if (!boxes.length) return this.say("There is no box");
    const at = boxes.findIndex((box) => box.id === this.chosen);
    const next = at < 0 ? (direction > 0 ? 0 : boxes.length - 1) : (at + direction + boxes.length) % boxes.length;
    return this.choose(boxes[next].id);
  }

  add(sides) {
    const box = this.own({ label: this.label, ...Boxes.within(sides, this.picture.size) }, "drawn", []);
    this.chosen = box.id;
    this.take([...this.boxes, box]);
    this.say(`Box ${this.boxes.length}, ${box.label}`);
  }

  addInView() {
    const { left, top, width, height } = this.picture.inView();
    this.add({ left: left + width / 3, top: top + height / 3, right: left + (2 * width) / 3, bottom: top + (2 * height) / 3 });
  }

  accept() {
    const box = this.box(this.chosen);
    if (!box || !Layer.isVoice(box.id)) return this.say("Choose a box of another first");
    const { label, left, top, right, bottom, answers } = box;
    const copy = this.own({ label, left, top, right, bottom }, "taken", answers);
    const kept = this.boxes.filter((other) => !Boxes.areOneObject(other, box));
    this.chosen = copy.id;
    this.take([...kept, copy]);
    return this.say(kept.length < this.boxes.length - 1 ? `Accepted in place of yours` : `Accepted ${label}`);
  }

  /** All boxes of a voice, as they are. */
  takeAll(index) {
    const voice = this.voices[index];
    if (!voice) return;
    this.chosen = null;
    this.take(voice.boxes.map(({ label, left, top, right, bottom, answers }) => this.own({ label, left, top, right, bottom }, "taken", answers)));
    this.say(`${voice.name}: ${voice.boxes.length} boxes taken`);
  }

  relabel(name) {
    this.label = name;
    this.find("class").value = name;
    if (!this.mine || this.mine.label === name) return;
    this.change(this.chosen, (box) => ({ ...box, label: name }));
    this.say(`Now ${name}`);
  }

  /** One box from those chosen, or from all that show the same object as the chosen one. */
  merge() {
    const box = this.box(this.chosen);
    const consensus = new Set(this.voices[0]?.boxes.map((one) => one.id));
    const alike = (other) => other.id === box?.id || (!consensus.has(other.id) && Boxes.areOneObject(other, box));
    const group = this.marked.size >= 2 ? this.all.filter((one) => this.marked.has(one.id)) : this.all.filter((one) => box && alike(one));
    const voiced = group.filter((one) => Layer.isVoice(one.id));
    // A box of one's own that nobody drew by hand says nothing that its makers do not say.
    const counted = this.marked.size < 2 && voiced.length >= 2 ? group.filter((one) => Layer.isVoice(one.id) || one.how === "drawn") : group;
    if (counted.length < 2) return this.say("Choose two or more boxes to merge");
    const made = this.own(Boxes.merged(counted), "merged", Boxes.merged(counted).answers);
    const gone = new Set(group.map((one) => one.id));
    this.chosen = made.id;
    this.take([...this.boxes.filter((one) => !gone.has(one.id)), made]);
    const weights = counted.map((one) => `${one.from ?? "you"} ×${(one.weight > 0 ? one.weight : 1).toFixed(2)}`);
    return this.tell(`Merged ${counted.length} boxes, weighted: ${weights.join(", ")}`);
  }

  tell(words) {
    this.find("picked").querySelector("span").textContent = words;
    this.say(words);
  }

  split() {
    const box = this.mine;
    if (!box) return this.say("Choose a box of yours first");
    const halves = Boxes.halves(box).map((half) => this.own(half, "corrected", box.answers));
    this.chosen = halves[0].id;
    this.take(this.boxes.flatMap((one) => (one.id === box.id ? halves : [one])));
    return this.say("Split in two");
  }

  remove() {
    if (!this.mine) return this.say("Choose a box of yours first");
    const index = this.boxes.indexOf(this.mine);
    const left = this.boxes.filter((box) => box.id !== this.chosen);
    this.chosen = left[Math.min(index, left.length - 1)]?.id ?? null;
    this.take(left);
    return this.say("Removed");
  }

  clear() {
    this.chosen = null;
    this.take([]);
    this.say("Nothing is there");
  }

  back(isForth) {
    const done = isForth ? this.steps.forth() : this.steps.back();
    this.show();
    this.say(done ? (isForth ? "Done again" : "Undone") : "Nothing to undo");
  }

  arrow(dx, dy, event) {
    const step = event.shiftKey ? 10 : 1;
    const box = this.mine;
    if (!box) return this.picture.scroll(dx * 40, dy * 40);
    const [x, y, size] = [dx * step, dy * step, this.picture.size];
    if (event.altKey) return this.change(box.id, (one) => Boxes.resized(one, x, y, size, false), `near ${box.id}`);
    if (event.ctrlKey) return this.change(box.id, (one) => Boxes.resized(one, x, y, size, true), `far ${box.id}`);
    return this.change(box.id, (one) => Boxes.moved(one, x, y, size), `move ${box.id}`);
  }

  draw(isDrawing) {
    this.isDrawing = isDrawing;
    this.layer.draw(isDrawing);
    this.button("draw").setAttribute("aria-pressed", String(isDrawing));
    this.button("hand").setAttribute("aria-pressed", String(!isDrawing));
  }

  toggleOthers() {
    const isShown = this.voices.some((voice) => voice.toggle.checked);
    for (const [index, voice] of this.voices.entries()) voice.toggle.checked = !isShown && index > 0 && voice.is_shown;
    this.show();
  }
}
