// The elements that mark points on a picture: polygons, polylines, lines and keypoints.
// A marking is {id, label, points: [{x, y}]}; an element says how many points make one.
import { build, freshId } from './build.js';
import { followKeys } from './focus.js';
import { History } from './history.js';
import { instructionsPanel, panelStyles } from './instructions.js';
import { listAttribute, parseLenient } from './lenient_json.js';
import { listStyles } from './box_list.js';
import { MarkingList } from './marking_list.js';
import { MarkingPointer, pointerStyles } from './marking_pointer.js';
import { dressedRoot, hue } from './styles.js';
import { Surface, surfaceStyles } from './surface.js';
import { buttonGroup, iconButton, LabelPicker, toolbarStyles } from './toolbar.js';

const STYLES = `
  :host { display: block; container-type: inline-size; margin-block: .5rem 1rem; }
  .work { display: grid; grid-template-columns: minmax(0, 1fr); gap: .75rem; }
  .side { display: grid; grid-template-columns: minmax(0, 1fr); gap: .75rem; align-content: start; min-inline-size: 0; }
  .stage { min-inline-size: 0; }
  @container (min-width: 760px) { .work { grid-template-columns: minmax(0, 1fr) 17rem; } }
`;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class MarkingElement extends HTMLElement {
  /** `shape`: {field, noun, least, most, closed, read(entry), write(marking)}. */
  constructor(shape) {
    super();
    this.shape = shape;
  }

  connectedCallback() {
    if (this.root) return;
    this.root = dressedRoot(this, STYLES + panelStyles + surfaceStyles + listStyles + toolbarStyles + pointerStyles);
    try {
      this.labels = listAttribute(this, 'labels').map(String);
      const initial = this.getAttribute('initial-value');
      this.initial = initial ? this.read(parseLenient(initial)) : [];
    } catch (error) {
      this.trouble = error.message;
      this.root.append(build('p', { class: 'alarm', role: 'alert' }, error.message));
      return;
    }
    this.history = new History(this.initial);
    this.label = this.labels[0] ?? '';
    this.selected = null;
    this.build();
  }

  build() {
    this.surface = new Surface(this.getAttribute('src') || '', { altText: '' });
    this.picker = new LabelPicker(this.labels, (label) => this.choose(label));
    this.list = new MarkingList(this.shape, {
      onselect: (id) => this.select(id),
      ondelete: (id) => this.remove(id),
      onpoint: (id, index, axis, value) => this.setPoint(id, index, axis, value),
    });
    this.status = build('p', { class: 'unseen', role: 'status' });
    this.surface.viewport.tabIndex = 0;
    this.surface.viewport.setAttribute('role', 'application');
    this.surface.viewport.setAttribute('aria-label', `${this.getAttribute('header') || 'Picture'}: ${this.shape.noun}s`);
    this.root.append(instructionsPanel(this), this.status, build('div', { class: 'work' },
      build('div', { class: 'stage' }, this.toolbar(), this.surface.viewport),
      build('div', { class: 'side' }, this.picker.element, this.list.element)));
    // After a click on a tool the keys belong to the picture again.
    this.root.addEventListener('click', (event) => {
      if (event.detail > 0 && event.target.closest('.toolbar, .labels')) this.surface.viewport.focus({ preventScroll: true });
    });
    this.picker.show(this.label);
    this.surface.loaded.then(() => this.start()).catch((error) => {
      console.warn('The picture could not be shown:', error);
      this.trouble = 'The picture could not be loaded.';
      this.surface.viewport.replaceWith(build('p', { class: 'alarm', role: 'alert' }, this.trouble));
    });
  }

  toolbar() {
    this.undoButton = iconButton('undo', 'Undo', () => this.undo());
    this.redoButton = iconButton('redo', 'Redo', () => this.redo());
    const zoom = (factor) => () => this.surface.zoomTo(this.surface.zoom * factor);
    return build('div', { class: 'toolbar', role: 'toolbar', 'aria-label': 'Drawing tools' },
      buttonGroup('Markings', iconButton('add', `Add ${this.shape.noun} (B)`, () => this.addInView())),
      buttonGroup('History', this.undoButton, this.redoButton),
      buttonGroup('Zoom', iconButton('zoomOut', 'Zoom out', zoom(1 / 1.5)), iconButton('fit', 'Show the whole picture', () => this.surface.zoomTo(1)), iconButton('zoomIn', 'Zoom in', zoom(1.5))));
  }

  start() {
    this.pointer = new MarkingPointer(this.surface, this.shape, {
      onadd: (points) => this.add(points),
      onselect: (id) => this.select(id),
      onmove: (id, points) => this.preview(id, points),
      onrelease: () => this.live && this.commit(this.live),
      colourOf: (label) => hue(this.labels.indexOf(label)),
      wantsPan: () => this.keys.spaceHeld,
    });
    this.keys = followKeys(this, (event) => this.onKey(event));
    this.surface.onlayout = () => this.draw();
    this.ready = true;
    this.draw();
    this.dispatchEvent(new Event('load'));
  }

  get markings() {
    return this.live ?? this.history.present;
  }

  commit(markings, kind = '') {
    this.live = null;
    this.history.commit(markings, kind);
    this.settle();
  }

  settle() {
    if (!this.markings.some((marking) => marking.id === this.selected)) this.selected = null;
    this.draw();
    this.dispatchEvent(new Event('input', { bubbles: true }));
    this.dispatchEvent(new Event('change', { bubbles: true }));
  }

  draw() {
    if (!this.ready) return;
    this.pointer.show(this.markings, this.selected, this.label);
    this.list.show(this.markings, this.selected, (label) => hue(this.labels.indexOf(label)));
    this.undoButton.disabled = !this.history.past.length && !this.pointer.begun.length;
    this.redoButton.disabled = !this.history.future.length;
  }

  add(points) {
    const marking = { id: freshId('marking'), label: this.label, points };
    // A keypoint follows a keypoint; only shapes stay open for correction.
    this.selected = this.shape.most === 1 ? null : marking.id;
    this.commit([...this.markings, marking]);
    this.status.textContent = `${this.shape.noun} ${this.markings.length} added, ${this.label}`;
  }

  addInView() {
    if (!this.ready) return;
    const { left, top, width, height } = this.surface.inView();
    const places = [[0.5, 0.35], [0.65, 0.65], [0.35, 0.65]];
    const all = this.shape.least === 1 ? [[0.5, 0.5]] : places.slice(0, this.shape.least);
    this.add(all.map(([x, y]) => ({ x: left + x * width, y: top + y * height })));
    this.select(this.markings.at(-1).id);
  }

  select(id) {
    this.selected = id;
    this.draw();
  }

  choose(label) {
    this.label = label;
    this.picker.show(label);
    if (!this.selected) return;
    this.commit(this.markings.map((marking) => (marking.id === this.selected ? { ...marking, label } : marking)));
  }

  remove(id) {
    this.commit(this.markings.filter((marking) => marking.id !== id));
  }

  preview(id, points) {
    this.live = this.replaced(id, points);
    this.draw();
  }

  replaced(id, points) {
    return this.markings.map((marking) => (marking.id === id ? { ...marking, points: points.map((point) => this.inside(point)) } : marking));
  }

  inside({ x, y }) {
    const { width, height } = this.surface.size;
    return { x: Math.min(Math.max(x, 0), width), y: Math.min(Math.max(y, 0), height) };
  }

  setPoint(id, index, axis, value) {
    const marking = this.markings.find((each) => each.id === id);
    if (!Number.isFinite(value)) return this.draw();
    return this.commit(this.replaced(id, marking.points.map((point, at) => (at === index ? { ...point, [axis]: value } : point))));
  }

  undo() {
    if (this.pointer?.undoPoint() || this.history.undo()) this.settle();
  }

  redo() {
    if (this.history.redo()) this.settle();
  }

  onKey(event) {
    const done = this.act(event);
    if (done) event.preventDefault();
    return done;
  }

  act(event) {
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      if (key !== 'z' && key !== 'y') return false;
      if (key === 'y' || event.shiftKey) this.redo();
      else this.undo();
      return true;
    }
    const marking = this.markings.find((each) => each.id === this.selected);
    if (ARROWS[event.key] && marking) {
      const [dx, dy] = ARROWS[event.key].map((step) => step * (event.shiftKey ? 10 : 1));
      this.commit(this.replaced(marking.id, marking.points.map(({ x, y }) => ({ x: x + dx, y: y + dy }))), `move-${marking.id}`);
      return true;
    }
    if (/^[1-9]$/.test(key) && this.labels[Number(key) - 1] !== undefined) this.choose(this.labels[Number(key) - 1]);
    else if (key === 'b') this.addInView();
    else if (key === 'enter' && this.pointer.begun.length) this.pointer.finish();
    else if (key === 'escape' && (this.pointer.begun.length || marking)) this.giveUp();
    else if ((key === 'delete' || key === 'backspace') && marking) this.remove(marking.id);
    else return false;
    return true;
  }

  giveUp() {
    if (!this.pointer.abort()) this.selected = null;
    this.draw();
  }

  read(value) {
    const list = Array.isArray(value) ? value : value?.[this.shape.field] ?? [];
    return list.map((entry) => ({ id: freshId('marking'), label: String(entry.label ?? this.labels[0] ?? ''), points: this.shape.read(entry) }))
      .filter(({ points }) => points.length && points.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)));
  }

  get fieldName() {
    return this.getAttribute('name') || '';
  }

  get value() {
    const { width, height } = this.surface?.size ?? { width: 0, height: 0 };
    const written = (this.history ? this.markings : []).map((marking) => this.shape.write(marking));
    return { inputImageProperties: { height, width }, [this.shape.field]: written };
  }

  get fieldValue() {
    return this.value;
  }

  get _submittableValue() {
    return this.value;
  }

  problem() {
    if (this.trouble) return `${this.trouble} Without it this cannot be answered.`;
    if (!this.ready) return 'The picture is still loading.';
    return this.pointer.begun.length ? `A ${this.shape.noun} is begun but not finished: press Enter, or Escape to drop it.` : '';
  }

  restore(saved) {
    this.history = new History(this.read(saved));
    this.draw();
  }

  reset() {
    this.commit(this.initial);
  }

  focus() {
    this.surface?.viewport.focus();
  }
}
