// Clicks and drags that make and correct markings, and how markings look on the picture.
import { buildSvg } from './build.js';

const REACH = 12;

export const pointerStyles = `
  .mark .body { fill: color-mix(in srgb, var(--swatch) 15%, transparent); stroke: var(--swatch); stroke-width: 2.5; pointer-events: visiblePainted; cursor: pointer; }
  .mark .under { fill: none; stroke: rgb(0 0 0 / .6); stroke-width: 5; }
  .mark.open .body { fill: none; }
  .mark.chosen .body { stroke-width: 3.5; }
  .mark circle, .begun circle { fill: var(--swatch); stroke: #fff; stroke-width: 1.5; pointer-events: visiblePainted; cursor: move; }
  .begun polyline { fill: none; stroke: var(--swatch); stroke-width: 2.5; stroke-dasharray: 5 4; }
`;

export class MarkingPointer {
  /** `listener`: onadd(points), onselect(id or null), onmove(id, points), onrelease(), colourOf(label), wantsPan(). */
  constructor(surface, shape, listener) {
    this.surface = surface;
    this.shape = shape;
    this.listener = listener;
    this.begun = [];
    this.markings = [];
    this.layer = buildSvg('g', {});
    surface.overlay.append(this.layer);
    surface.onpinch = () => { this.abort(); this.grip = null; };
    surface.canvas.addEventListener('pointerdown', (event) => this.onDown(event));
    surface.canvas.addEventListener('pointermove', (event) => this.onMove(event));
    surface.canvas.addEventListener('pointerup', (event) => this.onUp(event));
    surface.canvas.addEventListener('pointercancel', () => { this.start = null; this.grip = null; });
    surface.canvas.addEventListener('dblclick', () => this.finish());
  }

  onDown(event) {
    if (event.button === 1 || this.listener.wantsPan()) {
      event.preventDefault();
      this.surface.pan(event);
      return;
    }
    if (event.button !== 0 || this.surface.isPinching()) return;
    const point = this.surface.pointOf(event);
    this.start = { x: event.clientX, y: event.clientY, point };
    if (!this.begun.length) this.grip = this.gripAt(point, event);
    if (this.grip) this.surface.canvas.setPointerCapture(event.pointerId);
  }

  /** What lies under the pointer of a drag: a vertex of a marking, or a whole chosen marking. */
  gripAt(point, event) {
    const reach = REACH / this.surface.scale;
    for (const marking of [...this.markings].reverse()) {
      const index = marking.points.findIndex((other) => apart(other, point) < reach);
      if (index >= 0) return { marking, index, from: marking.points };
    }
    const id = event.composedPath()[0].closest?.('.mark')?.dataset.id;
    const marking = id && this.markings.find((each) => each.id === id);
    return marking ? { marking, index: -1, from: marking.points } : null;
  }

  onMove(event) {
    if (!this.grip || !this.start) return;
    if (!this.grip.moved && Math.hypot(event.clientX - this.start.x, event.clientY - this.start.y) < 3) return;
    this.grip.moved = true;
    const now = this.surface.pointOf(event);
    const dx = now.x - this.start.point.x;
    const dy = now.y - this.start.point.y;
    const { marking, index, from } = this.grip;
    const points = from.map((point, at) => (index < 0 || at === index ? { x: point.x + dx, y: point.y + dy } : point));
    this.listener.onmove(marking.id, points);
  }

  onUp(event) {
    const { start, grip } = this;
    this.start = null;
    this.grip = null;
    if (!start) return;
    if (grip?.moved) this.listener.onrelease();
    else if (grip) this.listener.onselect(grip.marking.id);
    else if (Math.hypot(event.clientX - start.x, event.clientY - start.y) < REACH) this.addPoint(this.surface.pointOf(event));
  }

  addPoint(point) {
    const closes = this.shape.closed && this.begun.length >= this.shape.least && apart(this.begun[0], point) < REACH / this.surface.scale;
    if (closes) {
      this.finish();
      return;
    }
    const last = this.begun.at(-1);
    if (last && apart(last, point) < 3 / this.surface.scale) return; // the second half of a double click
    this.begun = [...this.begun, point];
    if (this.begun.length === this.shape.most) this.finish();
    else this.listener.onselect(null);
  }

  finish() {
    if (this.begun.length < this.shape.least) return;
    const points = this.begun;
    this.begun = [];
    this.listener.onadd(points);
  }

  undoPoint() {
    if (!this.begun.length) return false;
    this.begun = this.begun.slice(0, -1);
    return true;
  }

  abort() {
    const had = this.begun.length > 0;
    this.begun = [];
    return had;
  }

  show(markings, selected, label) {
    this.markings = markings;
    this.layer.replaceChildren(...markings.map((marking) => this.drawn(marking, marking.id === selected)), this.drawnBegun(label));
  }

  drawn(marking, chosen) {
    const tag = this.shape.closed ? 'polygon' : 'polyline';
    const points = marking.points.map(({ x, y }) => `${x},${y}`).join(' ');
    const dots = chosen || this.shape.most === 1 ? marking.points.map((point) => this.dot(point)) : [];
    const classes = `mark ${this.shape.closed ? '' : 'open'} ${chosen ? 'chosen' : ''}`;
    return buildSvg('g', { class: classes, 'data-id': marking.id, style: `--swatch:${this.listener.colourOf(marking.label)}` },
      buildSvg(tag, { class: 'under', points }), buildSvg(tag, { class: 'body', points }), ...dots);
  }

  drawnBegun(label) {
    const points = this.begun.map(({ x, y }) => `${x},${y}`).join(' ');
    return buildSvg('g', { class: 'begun', style: `--swatch:${this.listener.colourOf(label)}` },
      buildSvg('polyline', { points }), ...this.begun.map((point) => this.dot(point)));
  }

  dot({ x, y }) {
    return buildSvg('circle', { cx: x, cy: y, r: 6 / this.surface.scale });
  }
}

function apart(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
