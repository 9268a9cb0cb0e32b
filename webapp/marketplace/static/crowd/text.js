// <crowd-input> and <crowd-text-area>: a labelled text field. Empty ones are left out of the answer.
import { build } from './build.js';
import { dressedRoot } from './styles.js';

const STYLES = `
  :host { display: block; margin-block: .5rem; max-inline-size: 40rem; }
  label { display: block; font-size: .9rem; font-weight: 550; margin-block-end: .25rem; }
  label:empty { display: none; }
  .field { inline-size: 100%; min-height: 2.5rem; padding: .45rem .65rem; border: 1px solid var(--edge); border-radius: var(--radius); background: var(--paper); }
  .field::placeholder { color: var(--muted); opacity: 1; }
  .field[aria-invalid="true"] { border-color: var(--alarm); }
`;
const COPIED = ['placeholder', 'type', 'min', 'max', 'maxlength', 'minlength', 'step', 'rows', 'pattern', 'inputmode', 'autofocus', 'max-length', 'min-length', 'auto-focus'];
const SPELLED = { 'max-length': 'maxlength', 'min-length': 'minlength', 'auto-focus': 'autofocus' };

const ONE_CHARACTER = /^(\[[^\]]*\]|\\[dws])$/i;

/** Whether `text` is made of what `pattern` allows; a pattern that cannot be read allows all. */
function matches(pattern, text) {
  try {
    return new RegExp(`^(?:${pattern})*$`, 'u').test(text);
  } catch {
    return true;
  }
}

class TextField extends HTMLElement {
  static observedAttributes = ['label', 'disabled', 'aria-label', 'aria-labelledby', ...COPIED];

  constructor(tag) {
    super();
    const root = dressedRoot(this, STYLES, { delegatesFocus: true });
    this.field = build(tag, { id: 'field', class: 'field', part: 'field', oninput: () => this.dropForbidden(), onchange: () => this.tell('change') });
    this.label = build('label', { for: 'field' });
    root.append(this.label, this.field);
  }

  connectedCallback() {
    this.attributeChangedCallback();
    if (!this.field.value) this.field.value = this.getAttribute('value') || '';
  }

  attributeChangedCallback() {
    this.label.textContent = this.getAttribute('label') || '';
    this.field.disabled = this.hasAttribute('disabled');
    for (const name of COPIED) {
      if (this.hasAttribute(name)) this.field.setAttribute(SPELLED[name] || name, this.getAttribute(name));
    }
    const name = spokenName(this);
    if (name) this.field.setAttribute('aria-label', name);
  }

  /** With auto-validate, what does not match a pattern of one character is not taken. */
  dropForbidden() {
    const pattern = this.getAttribute('allowed-pattern') || '';
    if (!this.hasAttribute('auto-validate') || !ONE_CHARACTER.test(pattern)) return;
    const kept = [...this.field.value].filter((letter) => matches(pattern, letter)).join('');
    if (kept !== this.field.value) this.field.value = kept;
  }

  tell(type) {
    this.dispatchEvent(new Event(type, { bubbles: true }));
  }

  get value() {
    return this.field.value;
  }

  set value(text) {
    this.field.value = text ?? '';
  }

  get fieldName() {
    return this.getAttribute('name') || '';
  }

  get fieldValue() {
    return this.field.value === '' ? undefined : this.field.value;
  }

  problem() {
    let problem = '';
    if (this.hasAttribute('required') && !this.field.value.trim()) problem = 'Please fill in this field.';
    else if (!this.field.checkValidity() || !this.isAllowed()) problem = this.getAttribute('error-message') || this.field.validationMessage || 'This does not have the expected format.';
    this.field.setAttribute('aria-invalid', String(problem !== ''));
    return problem;
  }

  isAllowed() {
    const pattern = this.getAttribute('allowed-pattern');
    return !pattern || !this.field.value || matches(pattern, this.field.value);
  }

  restore(saved) {
    if (typeof saved === 'string') this.field.value = saved;
  }

  reset() {
    this.field.value = '';
  }
}

/** The name a control inside a shadow root needs when the page names its host. */
export function spokenName(element) {
  const ids = (element.getAttribute('aria-labelledby') || '').split(/\s+/).filter(Boolean);
  const texts = ids.map((id) => document.getElementById(id)?.textContent.trim()).filter(Boolean);
  const given = element.getAttribute('aria-label') || texts.join(' ');
  if (given || element.getAttribute('label')) return given;
  return element.getAttribute('placeholder') || element.getAttribute('name') || '';
}

export class CrowdInput extends TextField {
  constructor() {
    super('input');
  }
}

export class CrowdTextArea extends TextField {
  constructor() {
    super('textarea');
  }
}
