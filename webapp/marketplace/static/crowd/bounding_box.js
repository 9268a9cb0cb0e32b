// <crowd-bounding-box name src labels header initial-value> with its instruction children.
// Extra attributes, ignored by the standard element:
//   drawing-mode="extreme"       begin in four-point mode
//   nothing-field="<field name>" the check-box that says "nothing to box here"; without a box it must be ticked
//   review-proposals             every initial box must be accepted, corrected or rejected
//   image-width, image-height    the upright size, to keep room before the picture is there
import { build, freshId } from './build.js';
import { BoxDrawing } from './box_drawing.js';
import { clamped, moved, readBoxes, resized, resizedFar, sameBoxes, submitted } from './box_edits.js';
import { commandOf, KEY_HELP } from './box_keys.js';
import { annotoriousStylesheet, BoxLayer, layerStyles, loadAnnotorious } from './box_layer.js';
import { BoxList, listStyles } from './box_list.js';
import { BoxTags, tagStyles } from './box_tags.js';
import { History } from './history.js';
import { instructionsDialog, instructionsPanel, panelStyles } from './instructions.js';
import { listAttribute, parseLenient } from './lenient_json.js';
import { dressedRoot } from './styles.js';
import { Surface, surfaceStyles } from './surface.js';
import { buttonGroup, iconButton, LabelPicker, toolbarStyles } from './toolbar.js';
import { followKeys } from './focus.js';

const STYLES = `
  :host { display: block; container-type: inline-size; margin-block: .5rem 1rem; }
  .work { display: grid; grid-template-columns: minmax(0, 1fr); gap: .75rem; }
  .side { display: grid; grid-template-columns: minmax(0, 1fr); gap: .75rem; align-content: start; min-inline-size: 0; }
  .stage { min-inline-size: 0; }
  @container (min-width: 760px) { .work { grid-template-columns: minmax(0, 1fr) 17rem; } }
  table.keys { border-collapse: collapse; } .keys td { padding: .2rem 1rem .2rem 0; vertical-align: top; }
`;

const VIEW_STEP = 40; // css pixels that an arrow moves the view

export class CrowdBoundingBox extends HTMLElement {
  connectedCallback() {
    if (this.root) return;
    this.root = dressedRoot(this, STYLES + panelStyles + surfaceStyles + layerStyles + listStyles + tagStyles + toolbarStyles);
    this.history = new History();
    this.selected = null;
    try {
      this.labels = listAttribute(this, 'labels').map(String);
      this.initial = this.readInitial();
    } catch (error) {
      this.fail(error.message);
      return;
    }
    this.label = this.labels[0] ?? '';
    this.build();
    this.open();
  }

  readInitial() {
    const text = this.getAttribute('initial-value');
    if (!text || !text.trim()) return [];
    const proposal = this.hasAttribute('review-proposals');
    return readBoxes(parseLenient(text), this.labels).map((box) => ({ ...box, id: freshId('box'), proposal }));
  }

  fail(text) {
    this.trouble = text;
    this.root.append(build('p', { class: 'alarm', role: 'alert' }, text));
  }

  build() {
    this.surface = new Surface(this.getAttribute('src') || '', {
      altText: '',
      declaredWidth: Number(this.getAttribute('image-width')) || 0,
      declaredHeight: Number(this.getAttribute('image-height')) || 0,
    });
    this.surface.onlayout = () => this.onLayout();
    this.list = new BoxList(this.labels, {
      onselect: (id) => this.select(id),
      onlabel: (id, label) => this.relabel(id, label),
      onnumber: (id, edge, value) => this.setNumber(id, edge, value),
      ondelete: (id) => this.remove(id),
      onaccept: (id) => this.accept(id),
    });
    this.picker = new LabelPicker(this.labels, (label) => this.choose(label));
    this.status = build('p', { class: 'unseen', role: 'status' });
    this.notice = build('div');
    // After a click on a tool the keys belong to the picture again.
    this.root.addEventListener('click', (event) => {
      if (event.detail > 0 && event.target.closest('.toolbar, .labels')) this.layer?.svg.focus({ preventScroll: true });
    });
    this.root.append(
      build('link', { rel: 'stylesheet', href: annotoriousStylesheet }),
      instructionsPanel(this), this.notice, this.status,
      build('div', { class: 'work' },
        build('div', { class: 'stage' }, this.toolbar(), this.surface.viewport),
        build('div', { class: 'side' }, this.picker.element, this.list.element)),
      this.help,
    );
  }

  toolbar() {
    this.help = instructionsDialog('Keys', build('table', { class: 'keys' },
      build('tbody', {}, ...KEY_HELP.map(([key, what]) => build('tr', {}, build('td', {}, build('kbd', {}, key)), build('td', {}, what))))));
    const run = (name) => () => this.run({ name });
    this.modes = { drag: iconButton('drag', 'Drag a box', () => this.setMode('drag')), extreme: iconButton('extreme', 'Four points: click the top, left, bottom and right of the object (E)', () => this.setMode('extreme')) };
    this.undoButton = iconButton('undo', 'Undo', run('undo'));
    this.redoButton = iconButton('redo', 'Redo', run('redo'));
    this.copyButton = iconButton('copy', 'Copy the last box (C)', run('copy'));
    this.zoomShown = build('button', { type: 'button', class: 'push zoom', title: 'Show the whole picture (0)', onclick: run('fit') }, '100%');
    return build('div', { class: 'toolbar', role: 'toolbar', 'aria-label': 'Drawing tools' },
      buttonGroup('Way of drawing', this.modes.drag, this.modes.extreme),
      buttonGroup('Boxes', iconButton('add', 'Add box (B)', run('add')), this.copyButton),
      buttonGroup('History', this.undoButton, this.redoButton),
      buttonGroup('Zoom', iconButton('zoomOut', 'Zoom out', run('zoomOut')), this.zoomShown, iconButton('zoomIn', 'Zoom in', run('zoomIn'))),
      buttonGroup('Help', iconButton('help', 'Keys', run('help'))));
  }

  async open() {
    try {
      const [annotorious] = await Promise.all([loadAnnotorious(), this.surface.loaded]);
      this.start(annotorious);
    } catch (error) {
      console.warn('The picture could not be shown:', error);
      this.trouble = 'The picture could not be loaded.';
      const again = build('button', { type: 'button', class: 'push', onclick: () => this.reload() }, 'Try again');
      this.notice.replaceChildren(build('p', { class: 'alarm', role: 'alert' }, `${this.trouble} `, again));
    }
  }

  reload() {
    this.trouble = '';
    this.notice.replaceChildren();
    const source = this.getAttribute('src') || '';
    this.surface.image.removeAttribute('src');
    this.surface.loaded = this.surface.load(source);
    this.open();
  }

  start(annotorious) {
    this.layer = new BoxLayer(annotorious, this.surface, this.labels, {
      onselect: (id) => this.select(id),
      onedit: (id, geometry) => this.preview(id, geometry),
      onrelease: () => this.commitPreview(),
    });
    this.layer.svg.setAttribute('aria-label', `${this.getAttribute('header') || 'Picture'}: boxes. Press question mark for the keys.`);
    this.drawing = new BoxDrawing(this.surface, {
      ondraw: (geometry) => this.add(geometry),
      onpoints: (count) => this.announce(count < 4 ? `Point ${count} of 4` : ''),
      wantsPan: () => this.keys.spaceHeld,
    });
    this.tags = new BoxTags(this.surface, this.labels);
    this.keys = followKeys(this, (event) => this.onKey(event));
    if (!this.restored) this.history = new History(this.initial);
    this.history.present = this.history.present.map((box) => clamped(box, this.surface.size));
    this.setMode(this.getAttribute('drawing-mode') === 'extreme' ? 'extreme' : 'drag');
    this.picker.show(this.label);
    this.ready = true;
    this.draw();
    this.dispatchEvent(new Event('load'));
  }

  get boxes() {
    return this.live ?? this.history.present;
  }

  box(id) {
    return this.boxes.find((box) => box.id === id);
  }

  // Every change goes through here: one new list, one step of history, one event.
  commit(boxes, kind = '') {
    this.live = null;
    this.history.commit(boxes, kind);
    if (!boxes.some((box) => box.id === this.selected)) this.selected = null;
    this.draw();
    this.dispatchEvent(new Event('input', { bubbles: true }));
    this.dispatchEvent(new Event('change', { bubbles: true }));
  }

  change(id, edit, kind = '') {
    this.commit(this.boxes.map((box) => (box.id === id ? { ...edit(box), proposal: false } : box)), kind);
  }

  draw() {
    if (!this.ready) return;
    this.layer.show(this.boxes, this.selected);
    this.list.show(this.boxes, this.selected);
    this.tags.show(this.boxes, this.selected);
    this.undoButton.disabled = !this.history.past.length;
    this.redoButton.disabled = !this.history.future.length;
    this.copyButton.disabled = !this.boxes.length;
  }

  onLayout() {
    if (this.zoomShown) this.zoomShown.textContent = `${Math.round(this.surface.zoom * 100)}%`;
    if (this.ready) this.tags.show(this.boxes, this.selected);
  }

  announce(text) {
    this.status.textContent = text;
  }

  add(geometry) {
    const box = clamped({ ...geometry, id: freshId('box'), label: this.label, proposal: false }, this.surface.size);
    // In four-point mode the next click belongs to the next object, so nothing stays selected.
    this.selected = this.drawing.mode === 'extreme' ? null : box.id;
    this.commit([...this.boxes, box]);
    this.untickNothing();
    this.announce(`Box ${this.boxes.length} added, ${box.label}`);
  }

  untickNothing() {
    const tick = this.nothingField();
    if (tick?.checked) tick.toggle();
  }

  select(id) {
    this.selected = id;
    const box = id && this.box(id);
    if (box) this.announce(`Box ${this.boxes.indexOf(box) + 1} selected, ${box.label}`);
    this.draw();
  }

  choose(label) {
    this.label = label;
    this.picker.show(label);
    if (this.selected && this.box(this.selected).label !== label) this.relabel(this.selected, label);
  }

  relabel(id, label) {
    this.label = label;
    this.picker.show(label);
    this.change(id, (box) => ({ ...box, label }));
  }

  setNumber(id, edge, value) {
    if (Number.isFinite(value)) this.change(id, (box) => clamped({ ...box, [edge]: value }, this.surface.size));
    else this.draw();
  }

  remove(id) {
    const index = this.boxes.findIndex((box) => box.id === id);
    const rest = this.boxes.filter((box) => box.id !== id);
    this.announce(`Box ${index + 1} deleted`);
    this.commit(rest);
  }

  accept(id) {
    this.change(id, (box) => box);
    this.announce('Accepted');
    const open = this.boxes.find((box) => box.proposal);
    if (open) this.select(open.id);
  }

  preview(id, geometry) {
    this.live = this.boxes.map((box) => (box.id === id ? { ...box, ...geometry, proposal: false } : box));
    this.list.show(this.live, this.selected);
    this.tags.show(this.live, this.selected);
  }

  commitPreview() {
    if (this.live) this.commit(this.live.map((box) => clamped(box, this.surface.size)));
  }

  setMode(mode) {
    this.drawing?.setMode(mode);
    if (mode === 'extreme' && this.selected) this.select(null);
    for (const [name, button] of Object.entries(this.modes)) button.setAttribute('aria-pressed', String(name === mode));
  }

  onKey(event) {
    const command = commandOf(event);
    if (!command || !this.ready || !this.run(command)) return false;
    event.preventDefault();
    return true;
  }

  /** Does `command`; false when there was nothing to do, so that the key keeps its own meaning. */
  run(command) {
    const action = COMMANDS[command.name];
    return action && this.ready ? action(this, command) !== false : false;
  }

  afterStep() {
    this.live = null;
    if (!this.box(this.selected)) this.selected = null;
    this.draw();
    this.dispatchEvent(new Event('change', { bubbles: true }));
  }

  step(direction) {
    const { boxes } = this;
    if (!boxes.length) return false;
    const at = boxes.findIndex((box) => box.id === this.selected);
    const next = at < 0 ? (direction > 0 ? 0 : boxes.length - 1) : (at + direction + boxes.length) % boxes.length;
    this.select(boxes[next].id);
    return true;
  }

  addInView() {
    const view = this.surface.inView();
    this.setMode('drag');
    this.add({ left: view.left + view.width / 3, top: view.top + view.height / 3, width: view.width / 3, height: view.height / 3 });
  }

  /** A twin of the selected or newest box: under the pointer, or a little beside the first. */
  copyLast() {
    const model = this.box(this.selected) ?? this.boxes.at(-1);
    if (!model) return false;
    const at = this.surface.canvas.matches(':hover') ? this.drawing.pointer : null;
    const { width, height } = model;
    const aside = { left: model.left + width / 5, top: model.top + height / 5 };
    const place = at ? { left: at.x - width / 2, top: at.y - height / 2 } : aside;
    this.label = model.label;
    this.picker.show(model.label);
    this.add(moved({ ...place, width, height }, 0, 0, this.surface.size));
    return true;
  }

  nothingField() {
    const name = this.getAttribute('nothing-field');
    const scope = this.closest('crowd-form') || document;
    return name ? scope.querySelector(`crowd-checkbox[name="${CSS.escape(name)}"]`) : null;
  }

  get fieldName() {
    return this.getAttribute('name') || '';
  }

  get value() {
    const { width, height } = this.surface?.size ?? { width: 0, height: 0 };
    const value = { boundingBoxes: (this.ready ? this.boxes : this.initial ?? []).map(submitted), inputImageProperties: { height, width } };
    if (this.hasAttribute('initial-value')) value.initialValueModified = this.ready ? !sameBoxes(this.boxes, this.initial) : false;
    return value;
  }

  get fieldValue() {
    return this.value;
  }

  /** The name requesters' scripts know from the standard element. */
  get _submittableValue() {
    return this.value;
  }

  problem() {
    if (this.trouble) return `${this.trouble} Without it this cannot be answered.`;
    if (!this.ready) return 'The picture is still loading.';
    const open = this.boxes.filter((box) => box.proposal).length;
    if (open) return `${open === 1 ? 'One proposed box waits' : `${open} proposed boxes wait`} for your decision: accept, correct or reject.`;
    const tick = this.nothingField();
    if (tick && !tick.checked && !this.boxes.length) return 'Draw a box, or tick that there is nothing to box.';
    return tick?.checked && this.boxes.length ? 'There are boxes, and the tick says there is nothing to box: remove one of the two.' : '';
  }

  restore(saved) {
    const proposed = new Set(this.initial?.filter((box) => box.proposal).map((box) => JSON.stringify(submitted(box))));
    const boxes = readBoxes(saved, this.labels ?? []).map((box) => ({ ...box, id: freshId('box'), proposal: proposed.has(JSON.stringify(submitted(box))) }));
    this.restored = true;
    this.history = new History(boxes);
    this.draw();
  }

  reset() {
    if (this.ready) this.commit(this.initial);
  }

  focus() {
    this.layer?.svg.focus();
  }
}

const COMMANDS = {
  undo: (it) => (it.drawing.undoPoint() || it.history.undo()) && it.afterStep(),
  redo: (it) => it.history.redo() && it.afterStep(),
  move: (it, { dx, dy }) => (it.selected
    ? it.change(it.selected, (box) => moved(box, dx, dy, it.surface.size), `move-${it.selected}`)
    : it.drawing.movePen(dx, dy) || it.surface.scrollBy(dx * VIEW_STEP, dy * VIEW_STEP)),
  point: (it) => it.drawing.penDown(),
  resize: (it, { dx, dy }) => (it.selected ? it.change(it.selected, (box) => resized(box, dx, dy, it.surface.size), `resize-${it.selected}`) : false),
  resizeFar: (it, { dx, dy }) => (it.selected ? it.change(it.selected, (box) => resizedFar(box, dx, dy), `far-${it.selected}`) : false),
  label: (it, { index }) => (it.labels[index] !== undefined ? it.choose(it.labels[index]) : false),
  delete: (it) => (it.selected ? it.remove(it.selected) : false),
  reject: (it) => (it.selected && it.box(it.selected).proposal ? it.remove(it.selected) : false),
  accept: (it) => (it.selected && it.box(it.selected).proposal ? it.accept(it.selected) : false),
  escape: (it) => it.drawing.abort() || (it.selected ? it.select(null) : false),
  mode: (it) => it.setMode(it.drawing.mode === 'drag' ? 'extreme' : 'drag'),
  next: (it) => it.step(1),
  previous: (it) => it.step(-1),
  zoomIn: (it) => it.surface.zoomTo(it.surface.zoom * 1.5),
  zoomOut: (it) => it.surface.zoomTo(it.surface.zoom / 1.5),
  fit: (it) => it.surface.zoomTo(1),
  help: (it) => it.help.showModal(),
  add: (it) => it.addInView(),
  copy: (it) => it.copyLast(),
};
