// Turns pointer events on a surface into new boxes: a drag, or four clicks on the object's
// extreme points (Papadopoulos et al. 2017). What begins on a handle of the selected box is
// left to the editor; a plain click selects.
import { buildSvg } from './build.js';
import { spanning } from './box_edits.js';

const MOUSE_SLACK = 3;
const TOUCH_SLACK = 8;
const N_EXTREMES = 4;

export class BoxDrawing {
  /** `listener`: ondraw({left, top, width, height}), onpoints(count), wantsPan(). */
  constructor(surface, listener) {
    this.surface = surface;
    this.listener = listener;
    this.mode = 'drag';
    this.points = [];
    this.pen = null; // where the keys' cross stands, in four-point mode
    this.band = buildSvg('rect', { class: 'band' });
    this.crosses = [buildSvg('line', { class: 'cross' }), buildSvg('line', { class: 'cross' })];
    this.marks = buildSvg('g', {});
    surface.overlay.append(...this.crosses, this.band, this.marks);
    surface.onpinch = () => this.abort();
    const { canvas } = surface;
    canvas.addEventListener('pointerdown', (event) => this.onDown(event), true);
    canvas.addEventListener('pointermove', (event) => this.onMove(event), true);
    canvas.addEventListener('pointerup', (event) => this.onUp(event), true);
    canvas.addEventListener('pointercancel', () => this.abort(), true);
    canvas.addEventListener('pointerleave', () => this.showCross(null));
    this.abort();
  }

  setMode(mode) {
    this.mode = mode;
    this.pen = null;
    this.showCross(null);
    this.abort();
  }

  onDown(event) {
    if (event.button === 1 || (event.button === 0 && this.listener.wantsPan())) {
      event.preventDefault();
      event.stopPropagation();
      this.surface.pan(event);
      return;
    }
    if (event.button !== 0 || this.surface.isPinching() || onEditor(event)) return;
    this.start = { id: event.pointerId, event, point: this.surface.pointOf(event) };
  }

  onMove(event) {
    this.pointer = this.surface.pointOf(event);
    this.showCross(event.pointerType === 'mouse' && !onEditor(event) ? this.pointer : null);
    if (!this.start || event.pointerId !== this.start.id) return;
    if (!this.drawing && this.strayed(event) && this.mode === 'drag') {
      this.drawing = true;
      this.surface.canvas.setPointerCapture(event.pointerId);
    }
    if (!this.drawing) return;
    event.stopPropagation();
    this.showBand(spanning([this.start.point, this.pointer]));
  }

  strayed(event) {
    const slack = event.pointerType === 'touch' ? TOUCH_SLACK : MOUSE_SLACK;
    const { clientX, clientY } = this.start.event;
    return Math.hypot(event.clientX - clientX, event.clientY - clientY) >= slack;
  }

  onUp(event) {
    const { start, drawing } = this;
    if (!start || event.pointerId !== start.id) return;
    this.start = null;
    this.drawing = false;
    this.showBand(null);
    const point = this.surface.pointOf(event);
    if (this.mode === 'extreme') {
      event.stopPropagation();
      this.addPoint(point);
    } else if (drawing) {
      event.stopPropagation();
      const box = spanning([start.point, point]);
      const wide = Math.min(box.width, box.height) * this.surface.scale;
      if (wide >= 2) this.listener.ondraw(box);
    }
  }

  /** Moves the keys' cross, which begins in the middle of the view; false outside four-point mode. */
  movePen(dx, dy) {
    if (this.mode !== 'extreme') return false;
    const view = this.surface.inView();
    const { x, y } = this.pen ?? { x: Math.round(view.left + view.width / 2), y: Math.round(view.top + view.height / 2) };
    const { width, height } = this.surface.size;
    this.pen = { x: Math.min(Math.max(x + dx, 0), width), y: Math.min(Math.max(y + dy, 0), height) };
    this.surface.bringIntoView(this.pen);
    this.showCross(this.pen);
    return true;
  }

  /** Sets a point where the keys' cross stands; false when there is none. */
  penDown() {
    if (this.mode !== 'extreme' || !this.pen) return false;
    this.addPoint(this.pen);
    this.showCross(this.pen);
    return true;
  }

  addPoint(point) {
    this.points.push(point);
    this.showPoints();
    this.listener.onpoints(this.points.length);
    if (this.points.length < N_EXTREMES) return;
    const box = spanning(this.points);
    this.abort();
    if (box.width > 0 && box.height > 0) this.listener.ondraw(box);
  }

  /** Takes back the last extreme point; false when there was none. */
  undoPoint() {
    if (!this.points.pop()) return false;
    this.showPoints();
    this.listener.onpoints(this.points.length);
    return true;
  }

  /** Gives up what was begun; false when nothing was. */
  abort() {
    const began = this.drawing || this.points.length > 0;
    this.start = null;
    this.drawing = false;
    this.points = [];
    this.showBand(null);
    this.showPoints();
    return began;
  }

  showBand(box) {
    this.band.style.display = box ? '' : 'none';
    if (!box) return;
    const { left: x, top: y, width, height } = box;
    for (const [name, value] of Object.entries({ x, y, width, height })) this.band.setAttribute(name, value);
  }

  showCross(point) {
    const { width, height } = this.surface.size;
    const [upright, level] = this.crosses;
    for (const line of this.crosses) line.style.display = point ? '' : 'none';
    if (!point) return;
    place(upright, point.x, 0, point.x, height);
    place(level, 0, point.y, width, point.y);
  }

  showPoints() {
    const radius = 5 / (this.surface.size.width ? this.surface.scale : 1);
    this.marks.replaceChildren(...this.points.map(({ x, y }) => buildSvg('circle', { cx: x, cy: y, r: radius, class: 'band' })));
  }
}

function place(line, x1, y1, x2, y2) {
  for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) line.setAttribute(name, value);
}

/** True over the selected box and its handles; Shift draws a new box even there. */
function onEditor(event) {
  const grips = '.a9s-handle, .a9s-touch-handle, .a9s-edge-handle';
  const part = event.composedPath()[0];
  if (!(part instanceof Element)) return false;
  return Boolean(part.closest(grips)) || (!event.shiftKey && Boolean(part.closest('.a9s-annotation.selected')));
}
