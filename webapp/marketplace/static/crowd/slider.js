// <crowd-slider name min max step value pin label required>. Extra attribute `unset`: the slider
// begins without an answer, so that a worker who never touches it is not counted as "min".
// `unsure-field` names the check-box that takes its place.
import { build } from './build.js';
import { dressedRoot } from './styles.js';
import { spokenName } from './text.js';

const STYLES = `
  :host { display: flex; align-items: center; gap: .75rem; max-inline-size: 30rem; margin-block: .35rem; }
  input { flex: 1; min-inline-size: 8rem; accent-color: var(--accent); block-size: 1.75rem; cursor: pointer; }
  output { min-inline-size: 3.2rem; text-align: center; padding: .2rem .5rem; border-radius: var(--radius); background: var(--raised); border: 1px solid var(--line); font-variant-numeric: tabular-nums; }
  :host(.untouched) input { opacity: .55; }
  :host(.untouched) output { color: var(--muted); }
  .end { color: var(--muted); font-size: .875rem; }
`;

export class CrowdSlider extends HTMLElement {
  static observedAttributes = ['min', 'max', 'step', 'disabled', 'label', 'aria-label', 'aria-labelledby'];

  constructor() {
    super();
    const root = dressedRoot(this, STYLES, { delegatesFocus: true });
    this.range = build('input', {
      type: 'range', oninput: () => this.touch(), onchange: () => this.dispatchEvent(new Event('change', { bubbles: true })),
      onclick: () => this.touch(), onkeydown: (event) => event.key === 'Enter' && this.touch(),
    });
    this.low = build('span', { class: 'end', 'aria-hidden': 'true' });
    this.high = build('span', { class: 'end', 'aria-hidden': 'true' });
    this.shown = build('output', { 'aria-hidden': 'true' });
    root.append(this.low, this.range, this.high, this.shown);
  }

  connectedCallback() {
    this.attributeChangedCallback();
    if (!this.started) this.reset();
    this.started = true;
  }

  attributeChangedCallback() {
    for (const name of ['min', 'max', 'step']) {
      if (this.hasAttribute(name)) this.range.setAttribute(name, this.getAttribute(name));
    }
    this.range.disabled = this.hasAttribute('disabled');
    this.range.setAttribute('aria-label', spokenName(this) || this.getAttribute('label') || 'value');
    this.low.textContent = this.range.min;
    this.high.textContent = this.range.max;
    this.show();
  }

  touch() {
    this.untouched = false;
    this.show();
    this.dispatchEvent(new Event('input', { bubbles: true }));
  }

  show() {
    this.classList.toggle('untouched', Boolean(this.untouched));
    this.shown.textContent = this.untouched ? '–' : this.range.value;
    this.range.setAttribute('aria-valuetext', this.untouched ? 'not answered yet' : this.range.value);
  }

  get value() {
    return this.untouched ? undefined : Number(this.range.value);
  }

  set value(number) {
    this.untouched = false;
    this.range.value = number;
    this.show();
  }

  get fieldName() {
    return this.getAttribute('name') || '';
  }

  get fieldValue() {
    return this.value;
  }

  isExcused() {
    const name = this.getAttribute('unsure-field');
    const scope = this.closest('crowd-form') || document;
    return Boolean(name && scope.querySelector(`crowd-checkbox[name="${CSS.escape(name)}"]`)?.checked);
  }

  problem() {
    if (this.isExcused()) return '';
    return this.hasAttribute('required') && this.untouched ? 'Please set the slider.' : '';
  }

  restore(saved) {
    if (saved !== undefined && saved !== null) this.value = saved;
  }

  reset() {
    this.untouched = this.hasAttribute('unset') && !this.hasAttribute('value');
    const middle = (Number(this.range.min || 0) + Number(this.range.max || 100)) / 2;
    this.range.value = this.getAttribute('value') ?? (this.untouched ? middle : this.range.min || 0);
    this.show();
  }
}
