// <crowd-checkbox name value checked disabled required> and <crowd-toggle-button>, which takes
// `invalid` besides: an alarming colour while it is off.
// Extra attribute `exclusive`: ticking this one unticks the others of its name, and the reverse.
// The host itself is the control, so that its own text names it for assistive technology.
import { build } from './build.js';
import { dressedRoot } from './styles.js';

const CHECKBOX = `
  :host { display: inline-flex; vertical-align: middle; align-items: flex-start; gap: .6rem; padding: .35rem .5rem; border-radius: var(--radius); cursor: pointer; }
  :host(:hover) { background: var(--wash); }
  :host([disabled]) { color: var(--muted); cursor: default; background: none; }
  .box { flex: none; inline-size: 1.3rem; block-size: 1.3rem; margin-block-start: .1rem; border: 2px solid var(--edge); border-radius: 4px; background: var(--paper); display: grid; place-items: center; }
  :host([aria-checked="true"]) .box { background: var(--accent); border-color: var(--accent); }
  .box::after { content: ""; inline-size: .35rem; block-size: .7rem; margin-block-start: -.15rem; border: solid var(--on-accent); border-width: 0 .16rem .16rem 0; transform: rotate(45deg); opacity: 0; }
  :host([aria-checked="true"]) .box::after { opacity: 1; }
`;
const TOGGLE = `
  :host { display: inline-flex; vertical-align: middle; align-items: center; gap: .6rem; padding: .35rem .5rem; border-radius: var(--radius); cursor: pointer; }
  :host([disabled]) { color: var(--muted); cursor: default; }
  :host([invalid]) .box { border-color: var(--alarm); }
  .box { flex: none; inline-size: 2.6rem; block-size: 1.5rem; border-radius: 1rem; border: 2px solid var(--edge); background: var(--raised); position: relative; }
  .box::after { content: ""; position: absolute; inset-block: .15rem; inset-inline-start: .15rem; inline-size: .95rem; border-radius: 50%; background: var(--edge); }
  :host([aria-checked="true"]) .box { background: var(--accent); border-color: var(--accent); }
  :host([aria-checked="true"]) .box::after { inset-inline-start: auto; inset-inline-end: .15rem; background: var(--on-accent); }
  @media (forced-colors: active) { :host([aria-checked="true"]) .box { background: Highlight; } }
`;

class Tick extends HTMLElement {
  static observedAttributes = ['checked', 'disabled'];

  constructor(role, styles) {
    super();
    this.tickRole = role;
    dressedRoot(this, styles).append(
      build('span', { class: 'box', 'aria-hidden': 'true' }),
      build('span', {}, build('slot')),
    );
    this.addEventListener('click', () => this.toggle());
    this.addEventListener('keydown', (event) => {
      if (event.key !== ' ' && event.key !== 'Enter') return;
      event.preventDefault();
      this.toggle();
    });
  }

  connectedCallback() {
    this.setAttribute('role', this.tickRole);
    if (!this.hasAttribute('tabindex')) this.tabIndex = 0;
    const isNamed = this.textContent.trim() || this.hasAttribute('aria-label') || this.hasAttribute('aria-labelledby');
    if (!isNamed) this.setAttribute('aria-label', this.fieldName);
    this.attributeChangedCallback();
  }

  attributeChangedCallback() {
    if (!this.isConnected) return;
    this.setAttribute('aria-checked', String(this.checked));
    this.setAttribute('aria-disabled', String(this.hasAttribute('disabled')));
  }

  get checked() {
    return this.hasAttribute('checked');
  }

  set checked(value) {
    this.toggleAttribute('checked', Boolean(value));
  }

  get disabled() {
    return this.hasAttribute('disabled');
  }

  set disabled(value) {
    this.toggleAttribute('disabled', Boolean(value));
  }

  toggle() {
    if (this.disabled) return;
    this.checked = !this.checked;
    this.dispatchEvent(new Event('input', { bubbles: true }));
    this.dispatchEvent(new Event('change', { bubbles: true }));
  }

  get fieldName() {
    return this.getAttribute('name') || '';
  }

  get value() {
    return this.getAttribute('value') || 'on';
  }

  get fieldValue() {
    return { [this.value]: this.checked };
  }

  restore(saved) {
    if (saved && typeof saved === 'object') this.checked = saved[this.value] === true;
  }

  problem() {
    return this.hasAttribute('required') && !this.checked ? 'Please tick this box.' : '';
  }

  reset() {
    this.checked = false;
  }
}

export class CrowdCheckbox extends Tick {
  constructor() {
    super('checkbox', CHECKBOX);
  }

  toggle() {
    if (!this.disabled && !this.checked) for (const other of this.rivals()) other.checked = false;
    super.toggle();
  }

  rivals() {
    const scope = this.closest('crowd-form') || document;
    const peers = [...scope.querySelectorAll('crowd-checkbox')].filter((other) => other !== this && other.fieldName === this.fieldName);
    return this.hasAttribute('exclusive') ? peers : peers.filter((other) => other.hasAttribute('exclusive'));
  }
}

export class CrowdToggleButton extends Tick {
  constructor() {
    super('switch', TOGGLE);
  }
}
