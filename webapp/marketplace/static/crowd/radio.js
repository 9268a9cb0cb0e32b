// <crowd-radio-group> of <crowd-radio-button name value checked disabled>: one choice,
// arrow keys move it, Tab leaves the group.
import { build } from './build.js';
import { dressedRoot } from './styles.js';

const BUTTON = `
  :host { display: inline-flex; align-items: flex-start; gap: .6rem; padding: .35rem .5rem; border-radius: var(--radius); cursor: pointer; }
  :host(:hover) { background: var(--wash); }
  :host([disabled]) { color: var(--muted); cursor: default; background: none; }
  .dot { flex: none; inline-size: 1.3rem; block-size: 1.3rem; margin-block-start: .1rem; border: 2px solid var(--edge); border-radius: 50%; background: var(--paper); display: grid; place-items: center; }
  .dot::after { content: ""; inline-size: .6rem; block-size: .6rem; border-radius: 50%; background: var(--accent); opacity: 0; }
  :host([aria-checked="true"]) .dot { border-color: var(--accent); }
  :host([aria-checked="true"]) .dot::after { opacity: 1; }
  @media (forced-colors: active) { .dot::after { background: Highlight; } }
`;
const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

export class CrowdRadioButton extends HTMLElement {
  static observedAttributes = ['checked', 'disabled'];

  constructor() {
    super();
    dressedRoot(this, BUTTON).append(
      build('span', { class: 'dot', 'aria-hidden': 'true' }),
      build('span', {}, build('slot')),
    );
    this.addEventListener('click', () => this.choose());
    this.addEventListener('keydown', (event) => this.onKey(event));
  }

  connectedCallback() {
    this.setAttribute('role', 'radio');
    this.attributeChangedCallback();
    queueMicrotask(() => this.isConnected && refreshTabStops(this.siblings()));
  }

  attributeChangedCallback() {
    if (!this.isConnected) return;
    this.setAttribute('aria-checked', String(this.checked));
    this.setAttribute('aria-disabled', String(this.disabled));
  }

  get checked() {
    return this.hasAttribute('checked');
  }

  set checked(value) {
    if (value) for (const other of this.siblings()) if (other !== this) other.removeAttribute('checked');
    this.toggleAttribute('checked', Boolean(value));
    refreshTabStops(this.siblings());
  }

  get disabled() {
    return this.hasAttribute('disabled');
  }

  set disabled(value) {
    this.toggleAttribute('disabled', Boolean(value));
  }

  get value() {
    return this.getAttribute('value') || 'on';
  }

  /** The buttons this one excludes: those of its group, or else of its form and name. */
  siblings() {
    const group = this.closest('crowd-radio-group');
    if (group) return [...group.querySelectorAll('crowd-radio-button')];
    const scope = this.closest('crowd-form') || document;
    return [...scope.querySelectorAll('crowd-radio-button')].filter(
      (other) => !other.closest('crowd-radio-group') && other.fieldName === this.fieldName,
    );
  }

  choose() {
    if (this.disabled) return;
    this.checked = true;
    this.dispatchEvent(new Event('input', { bubbles: true }));
    this.dispatchEvent(new Event('change', { bubbles: true }));
  }

  onKey(event) {
    if (event.key === ' ' || event.key === 'Enter') {
      event.preventDefault();
      this.choose();
    } else if (STEPS[event.key] && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      const able = this.siblings().filter((other) => !other.disabled);
      const next = able[(able.indexOf(this) + STEPS[event.key] + able.length) % able.length];
      next.choose();
      next.focus();
    }
  }

  get fieldName() {
    return this.getAttribute('name') || '';
  }

  get fieldValue() {
    return { [this.value]: this.checked };
  }

  problem() {
    return '';
  }

  restore(saved) {
    if (saved && saved[this.value] === true) this.checked = true;
  }

  reset() {
    this.checked = false;
  }
}

function refreshTabStops(buttons) {
  const stop = buttons.find((button) => button.checked) || buttons.find((button) => !button.disabled);
  for (const button of buttons) button.tabIndex = button === stop ? 0 : -1;
}

export class CrowdRadioGroup extends HTMLElement {
  constructor() {
    super();
    dressedRoot(this, ':host { display: flex; flex-wrap: wrap; gap: .15rem .5rem; }').append(build('slot'));
  }

  connectedCallback() {
    if (!this.hasAttribute('role')) this.setAttribute('role', 'radiogroup');
  }

  /** `required` is ours: the standard element ignores it. */
  problem() {
    if (!this.hasAttribute('required')) return '';
    const chosen = [...this.querySelectorAll('crowd-radio-button')].some((button) => button.checked);
    return chosen ? '' : 'Please choose one answer.';
  }

  focus() {
    this.querySelector('crowd-radio-button[tabindex="0"]')?.focus();
  }
}
