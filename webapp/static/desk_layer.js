// Boxes on the picture by Annotorious: it draws them, moves and resizes the chosen one, and
// takes new ones from a drag. What the desk must not offer (turning boxes, an undo of its own)
// is taken away here.
"use strict";

// What the page itself puts there stays out of the library's own history, which fails
// (2.x) on a change within 250 ms of the page's start.
const NOT_BY_HAND = "REMOTE";

class Layer {
  /** `listener`: onchoose(id or null), onedit(id, sides), onrelease(), ondraw(sides). */
  constructor(picture, listener) {
    this.picture = picture;
    this.listener = listener;
    this.shown = new Map();
    this.chosen = null;
    this.annotator = Annotorious.createImageAnnotator(picture.image, {
      drawingEnabled: true,
      drawingMode: "drag",
      userSelectAction: (annotation) => (Layer.isVoice(annotation.id) ? "SELECT" : "EDIT"),
      theme: "light",
    });
    this.svg = this.annotator.element.querySelector("svg");
    this.nameHandles();
    this.store = this.annotator.state.store;
    this.store.observe((event) => this.onStore(event));
    this.annotator.state.selection.subscribe(({ selected }) => this.onSelection(selected));
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => this.release());
    picture.onpinch = () => this.annotator.cancelDrawing();
    this.marks = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, this.marks];
  }

  static isVoice(id) { return id.includes(":"); }

  /** The handles are buttons to assistive technology, yet work by pointer only. */
  nameHandles() {
    new MutationObserver(() => {
      for (const handle of this.svg.querySelectorAll('[role="button"]:not([aria-label])')) {
        handle.setAttribute("aria-label", "Drag to resize the box");
        handle.setAttribute("tabindex", "-1");
      }
    }).observe(this.svg, { childList: true, subtree: true });
  }

  draw(isDrawing) {
    this.annotator.cancelDrawing();
    this.annotator.setDrawingEnabled(isDrawing);
    this.picture.view.classList.toggle("hand", !isDrawing);
  }

  onStore(event) {
    if (this.isSyncing) return;
    for (const { newValue } of event.changes.updated ?? []) {
      const sides = Layer.sidesOf(newValue);
      this.shown.set(newValue.id, null);
      this.isEditing = true;
      this.listener.onedit(newValue.id, sides);
    }
    const [drawn] = event.changes.created ?? [];
    // Once the library has done what it does with a new box, ours takes its place.
    if (drawn) setTimeout(() => this.adopt(drawn));
  }

  adopt(drawn) {
    this.isSyncing = true;
    this.annotator.cancelSelected();
    this.store.deleteAnnotation(drawn.id, NOT_BY_HAND);
    this.chosen = null;
    this.isSyncing = false;
    this.listener.ondraw(Layer.sidesOf(drawn));
  }

  onSelection(selected) {
    // The end of a drag counts as a press on whatever lies under it: that chooses nothing.
    if (this.isSyncing || this.isEditing) return;
    const id = selected[0]?.id ?? null;
    if (id === this.chosen || (id && !this.shown.has(id))) return;
    this.chosen = id;
    this.listener.onchoose(id);
  }

  release() {
    if (!this.isEditing) return;
    this.isEditing = false;
    this.listener.onrelease();
  }

  /** Makes the picture show exactly `boxes`, with `chosen` open for editing if it is one's own. */
  show(boxes, chosen, marked) {
    this.isSyncing = true;
    const wanted = new Map(boxes.map((box) => [box.id, box]));
    for (const id of [...this.shown.keys()]) if (!wanted.has(id)) this.remove(id);
    for (const box of boxes) this.put(box);
    if (chosen !== this.chosen || (this.annotator.getSelected()[0]?.id ?? null) !== chosen) {
      this.chosen = chosen;
      if (chosen) this.annotator.setSelected(chosen, !Layer.isVoice(chosen));
      else this.annotator.cancelSelected();
    }
    this.mark(marked);
    this.isSyncing = false;
  }

  mark(ids) {
    const places = [...ids].map((id) => `.deskcanvas .a9s-annotationlayer .a9s-annotation[data-id="${CSS.escape(id)}"] .a9s-inner`);
    this.marks.replaceSync(places.length ? `${places.join()} { stroke-dasharray: 7 4; stroke-width: 3.5px; fill: #fff4; }` : "");
  }

  put(box) {
    const signature = [box.label, box.left, box.top, box.right, box.bottom].join();
    const seen = this.shown.get(box.id);
    if (seen === signature) return;
    this.shown.set(box.id, signature);
    if (seen === undefined) this.store.addAnnotation(Layer.annotationOf(box), NOT_BY_HAND);
    else this.store.updateAnnotation(Layer.annotationOf(box), NOT_BY_HAND);
  }

  remove(id) {
    this.shown.delete(id);
    if (this.chosen === id) { this.annotator.cancelSelected(); this.chosen = null; }
    this.store.deleteAnnotation(id, NOT_BY_HAND);
  }

  /** Only x, y, w and h are read: the library's bounds lag behind a resize. */
  static sidesOf(annotation) {
    const { x, y, w, h } = annotation.target.selector.geometry;
    return { left: x, top: y, right: x + w, bottom: y + h };
  }

  static annotationOf(box) {
    const { left: x, top: y, right, bottom } = box;
    const geometry = { x, y, w: right - x, h: bottom - y, rot: 0, bounds: { minX: x, minY: y, maxX: right, maxY: bottom } };
    return {
      id: box.id,
      bodies: [],
      target: { annotation: box.id, selector: { type: "RECTANGLE", geometry }, created: new Date() },
    };
  }
}
