// Markings as rows; the chosen one opens to the numbers of its points.
import { build } from './build.js';

export class MarkingList {
  /** `listener`: onselect(id), ondelete(id), onpoint(id, index, axis, value). */
  constructor(shape, listener) {
    this.shape = shape;
    this.listener = listener;
    this.title = build('h3');
    this.rows = build('ol', { class: 'rows' });
    this.hint = build('p', { class: 'quiet' }, hintOf(shape));
    this.element = build('div', { class: 'list', role: 'group', 'aria-label': `${capital(shape.noun)}s` }, this.title, this.hint, this.rows);
  }

  show(markings, selected, colourOf) {
    this.title.textContent = `${capital(this.shape.noun)}s (${markings.length})`;
    this.hint.hidden = markings.length > 0;
    const signature = JSON.stringify([markings.map(({ id, label, points }) => [id, label, points.length]), selected]);
    if (signature !== this.signature) {
      const focused = this.element.getRootNode().activeElement?.dataset?.focus;
      this.rows.replaceChildren(...markings.map((marking, index) => this.row(marking, index, marking.id === selected, colourOf)));
      if (focused) this.rows.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
    }
    this.signature = signature;
    this.refresh(markings.find(({ id }) => id === selected));
  }

  row(marking, index, chosen, colourOf) {
    const name = `${this.shape.noun} ${index + 1}, ${marking.label}`;
    const pick = build('button', {
      type: 'button', class: 'pick', 'aria-pressed': String(chosen), 'data-focus': `${marking.id}-pick`,
      onclick: () => this.listener.onselect(chosen ? null : marking.id),
    }, build('span', { class: 'swatch', style: `--swatch:${colourOf(marking.label)}` }), build('span', { class: 'name' }, marking.label));
    const remove = build('button', {
      type: 'button', class: 'push square small', 'aria-label': `Delete ${name}`, title: 'Delete', onclick: () => this.listener.ondelete(marking.id),
    }, '✕');
    return build('li', { class: chosen ? 'row open' : 'row' }, build('div', { class: 'line' }, pick, remove), chosen ? this.numbers(marking, name) : null);
  }

  numbers(marking, name) {
    const fields = marking.points.flatMap((point, index) => ['x', 'y'].map((axis) => build('label', {},
      `${axis.toUpperCase()}${marking.points.length > 1 ? index + 1 : ''}`,
      build('input', {
        type: 'number', step: '1', 'data-point': index, 'data-axis': axis, 'data-focus': `${marking.id}-${index}-${axis}`,
        onchange: (event) => this.listener.onpoint(marking.id, index, axis, Number(event.target.value)),
      }))));
    return build('div', { class: 'numbers', role: 'group', 'aria-label': `Points of ${name}` }, ...fields);
  }

  refresh(marking) {
    for (const field of this.rows.querySelectorAll('input')) {
      field.value = String(Math.round(marking.points[Number(field.dataset.point)][field.dataset.axis]));
    }
  }
}

function hintOf(shape) {
  if (shape.most === 1) return 'Click the picture where each point lies.';
  if (shape.most === 2) return 'Click where the line begins and where it ends.';
  const end = shape.closed ? 'on the first corner, with Enter' : 'with Enter';
  return `Click along the object; finish ${end} or with a double click.`;
}

function capital(word) {
  return word[0].toUpperCase() + word.slice(1);
}
