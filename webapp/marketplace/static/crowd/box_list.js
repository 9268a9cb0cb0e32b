// The list beside the picture: every box as a row; the selected one opens to exact numbers.
// This is the way to work without a pointer.
import { build } from './build.js';
import { hue } from './styles.js';

const EDGES = [['left', 'X'], ['top', 'Y'], ['width', 'Width'], ['height', 'Height']];

export class BoxList {
  /** `listener`: onselect(id), onlabel(id, label), onnumber(id, edge, value), ondelete(id), onaccept(id). */
  constructor(labels, listener) {
    this.labels = labels;
    this.listener = listener;
    this.title = build('h3', {}, 'Boxes');
    this.rows = build('ol', { class: 'rows' });
    this.empty = build('p', { class: 'quiet' }, 'None yet. Draw on the picture, or press “Add box”.');
    this.element = build('div', { class: 'list', role: 'group', 'aria-label': 'Boxes' }, this.title, this.empty, this.rows);
  }

  show(boxes, selected) {
    this.title.textContent = boxes.length ? `Boxes (${boxes.length})` : 'Boxes';
    this.empty.hidden = boxes.length > 0;
    const signature = JSON.stringify([boxes.map((box) => [box.id, box.label, box.proposal]), selected]);
    if (signature !== this.signature) this.rebuild(boxes, selected);
    this.signature = signature;
    for (const box of boxes) this.refresh(box);
  }

  rebuild(boxes, selected) {
    const focused = this.element.getRootNode().activeElement?.dataset?.focus;
    this.parts = new Map();
    this.rows.replaceChildren(...boxes.map((box, index) => this.row(box, index, box.id === selected)));
    if (focused) this.rows.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  }

  row(box, index, isSelected) {
    const size = build('span', { class: 'size' });
    const name = `box ${index + 1}, ${box.label}`;
    const pick = build('button', {
      type: 'button', class: 'pick', 'aria-pressed': String(isSelected), 'data-focus': `${box.id}-pick`,
      onclick: () => this.listener.onselect(isSelected ? null : box.id),
    }, build('span', { class: 'swatch', style: `--swatch:${hue(this.labels.indexOf(box.label))}` }),
    build('span', { class: 'name' }, box.label), box.proposal ? build('span', { class: 'badge' }, 'proposed') : null, size);
    const remove = build('button', {
      type: 'button', class: 'push square small', 'aria-label': box.proposal ? `Reject ${name}` : `Delete ${name}`,
      title: box.proposal ? 'Reject (R)' : 'Delete', onclick: () => this.listener.ondelete(box.id),
    }, '✕');
    const accept = box.proposal ? build('button', {
      type: 'button', class: 'push square small', 'aria-label': `Accept ${name}`, title: 'Accept (A)', onclick: () => this.listener.onaccept(box.id),
    }, '✓') : null;
    const numbers = isSelected ? this.editor(box, name) : null;
    this.parts.set(box.id, { size, numbers });
    return build('li', { class: isSelected ? 'row open' : 'row' },
      build('div', { class: 'line' }, pick, accept, remove), numbers);
  }

  editor(box, name) {
    const choice = build('select', {
      'aria-label': `Label of ${name}`, 'data-focus': `${box.id}-label`, onchange: (event) => this.listener.onlabel(box.id, event.target.value),
    }, ...this.labels.map((label) => build('option', { value: label, selected: label === box.label }, label)));
    const fields = EDGES.map(([edge, title]) => build('label', {}, title, build('input', {
      type: 'number', step: '1', 'data-edge': edge, 'data-focus': `${box.id}-${edge}`, inputmode: 'numeric',
      onchange: (event) => this.listener.onnumber(box.id, edge, Number(event.target.value)),
    })));
    return build('div', { class: 'numbers' }, this.labels.length > 1 ? choice : null, ...fields);
  }

  refresh(box) {
    const { size, numbers } = this.parts.get(box.id);
    size.textContent = `${Math.round(box.width)} × ${Math.round(box.height)}`;
    for (const field of numbers?.querySelectorAll('input') ?? []) {
      field.value = String(Math.round(box[field.dataset.edge]));
    }
  }
}

export const listStyles = `
  .list h3 { margin: 0 0 .35rem; font-size: .9rem; }
  .list p { margin: 0; }
  .rows { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: minmax(0, 1fr); gap: .25rem; max-block-size: 26rem; overflow: auto; scrollbar-width: thin; }
  .row { border: 1px solid transparent; border-radius: var(--radius); }
  .row.open { border-color: var(--accent); background: var(--wash); }
  .line { display: flex; gap: .25rem; align-items: center; padding: .15rem; }
  .pick { flex: 1; min-inline-size: 0; display: flex; gap: .5rem; align-items: center; min-height: 2.25rem; padding: .25rem .5rem; border: 0; background: none; border-radius: 6px; text-align: start; cursor: pointer; }
  .pick:hover { background: var(--wash); }
  .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .size { margin-inline-start: auto; color: var(--muted); font-size: .8rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
  .badge { font-size: .7rem; padding: 0 .4rem; border-radius: 1rem; border: 1px dashed var(--edge); color: var(--muted); }
  .push.small { min-height: 2.25rem; min-width: 2.25rem; padding: 0; border-color: transparent; background: none; color: var(--muted); }
  .numbers { display: grid; grid-template-columns: 1fr 1fr; gap: .4rem; padding: .25rem .5rem .5rem; }
  .numbers select { grid-column: 1 / -1; }
  .numbers label { display: grid; grid-template-columns: 3.2rem 1fr; align-items: center; font-size: .8rem; color: var(--muted); }
  .numbers input, .numbers select { inline-size: 100%; min-height: 2.1rem; padding: .2rem .4rem; border: 1px solid var(--edge); border-radius: 6px; background: var(--paper); color: var(--ink); }
`;
