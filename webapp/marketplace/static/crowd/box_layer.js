// Shows boxes with Annotorious and lets it move and resize the selected one. What it must
// not do (rotate, undo on its own, speak unnamed handles) is taken away here.
import { hue } from './styles.js';

// What the page itself puts there stays out of the library's own history, which fails (2.x)
// on a change within 250 ms of the page's start.
const NOT_BY_HAND = 'REMOTE';

const VENDOR = new URL('../vendor/', import.meta.url);
let library;

/** Annotorious, loaded once a page. */
export function loadAnnotorious() {
  library ??= import(new URL('annotorious.js', VENDOR)).then(() => globalThis.Annotorious);
  return library;
}

export const annotoriousStylesheet = new URL('annotorious.css', VENDOR).href;

export const layerStyles = `
  .canvas > div:first-child { display: block !important; inline-size: 100%; block-size: 100%; }
  .canvas .a9s-annotationlayer:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; }
  .canvas .a9s-annotationlayer { cursor: inherit; }
  .canvas .a9s-annotationlayer.hover { cursor: pointer; }
  .canvas .a9s-rotation-handle-group { display: none; }
  .canvas .a9s-annotation .a9s-outer { display: block; stroke: rgb(0 0 0 / .65); stroke-width: 5px; }
  .canvas .a9s-edge-handle { stroke-width: 12px; }
`;

export class BoxLayer {
  /**
   * `listener`: onselect(id or null), onedit(id, {left, top, width, height}) during a drag and
   * onrelease() after it.
   */
  constructor(annotorious, surface, labels, listener) {
    this.labels = labels;
    this.listener = listener;
    this.shown = new Map();
    this.selected = null;
    this.annotator = annotorious.createImageAnnotator(surface.image, {
      drawingEnabled: false,
      style: (annotation, state) => this.styleOf(annotation, state),
      theme: 'light',
    });
    this.svg = this.annotator.element.querySelector('svg');
    this.nameHandles();
    this.store = this.annotator.state.store;
    this.store.observe((event) => this.onStore(event));
    // The store itself, not the "selectionChanged" event: that one comes late, after a timer.
    this.annotator.state.selection.subscribe(({ selected }) => this.onSelection(selected));
    surface.canvas.addEventListener('pointerup', () => this.release());
    surface.canvas.addEventListener('pointercancel', () => this.release());
  }

  /** The corner handles are buttons to assistive technology, yet work by pointer only. */
  nameHandles() {
    new MutationObserver(() => {
      for (const handle of this.svg.querySelectorAll('[role="button"]:not([aria-label])')) {
        handle.setAttribute('aria-label', 'Drag to resize the box');
        handle.setAttribute('tabindex', '-1');
      }
    }).observe(this.svg, { childList: true, subtree: true });
  }

  styleOf(annotation, state) {
    const colour = hue(this.labels.indexOf(annotation.bodies[0]?.value));
    return { stroke: colour, strokeWidth: state?.selected ? 3 : 2, fill: colour, fillOpacity: state?.selected ? 0.16 : 0.04 };
  }

  onStore(event) {
    if (this.syncing) return;
    for (const { newValue } of event.changes.updated ?? []) {
      const box = boxOf(newValue);
      this.shown.set(newValue.id, signature({ ...box, label: newValue.bodies[0]?.value }));
      this.editing = true;
      this.listener.onedit(newValue.id, box);
    }
  }

  onSelection(selected) {
    if (this.syncing) return;
    const id = selected[0]?.id ?? null;
    if (id === this.selected) return;
    this.selected = id;
    this.listener.onselect(id);
  }

  release() {
    if (!this.editing) return;
    this.editing = false;
    this.listener.onrelease();
  }

  /** Makes the picture show exactly `boxes`, with `selected` (an id or null) open for editing. */
  show(boxes, selected) {
    this.syncing = true;
    const wanted = new Map(boxes.map((box) => [box.id, box]));
    for (const id of [...this.shown.keys()]) if (!wanted.has(id)) this.remove(id);
    for (const box of boxes) this.put(box);
    if (selected !== this.selected || (selected && !this.annotator.getSelected().length)) {
      this.selected = selected;
      if (selected) this.annotator.setSelected(selected, true);
      else this.annotator.cancelSelected();
    }
    this.syncing = false;
  }

  put(box) {
    const seen = this.shown.get(box.id);
    if (seen === signature(box)) return;
    this.shown.set(box.id, signature(box));
    if (seen === undefined) this.store.addAnnotation(annotationOf(box), NOT_BY_HAND);
    else this.store.updateAnnotation(annotationOf(box), NOT_BY_HAND);
  }

  remove(id) {
    this.shown.delete(id);
    if (this.selected === id) this.annotator.cancelSelected();
    this.store.deleteAnnotation(id, NOT_BY_HAND);
  }
}

function signature(box) {
  return [box.label, box.left, box.top, box.width, box.height].join();
}

/** Only x, y, w and h are read: `bounds` lags behind a resize, and nothing here is rotated. */
function boxOf(annotation) {
  const { x, y, w, h } = annotation.target.selector.geometry;
  return { left: x, top: y, width: w, height: h };
}

function annotationOf(box) {
  const { left: x, top: y, width: w, height: h } = box;
  const geometry = { x, y, w, h, rot: 0, bounds: { minX: x, minY: y, maxX: x + w, maxY: y + h } };
  return {
    id: box.id,
    bodies: [{ id: `${box.id}-label`, annotation: box.id, purpose: 'tagging', value: box.label }],
    target: { annotation: box.id, selector: { type: 'RECTANGLE', geometry }, created: new Date() },
  };
}
