// <crowd-button form-action="submit|reset" variant="normal|primary|link|icon" disabled href>
import { build } from './build.js';
import { dressedRoot } from './styles.js';

const STYLES = `
  :host { display: inline-block; }
  :host([variant="link"]) .push { border-color: transparent; background: none; color: var(--accent); text-decoration: underline; }
  .push { inline-size: 100%; }
`;

export class CrowdButton extends HTMLElement {
  static observedAttributes = ['disabled', 'variant'];

  constructor() {
    super();
    const root = dressedRoot(this, STYLES, { delegatesFocus: true });
    this.push = build('button', { type: 'button', class: 'push', part: 'button', onclick: () => this.act() }, build('slot'));
    root.append(this.push);
  }

  connectedCallback() {
    this.attributeChangedCallback();
    // Icons are not drawn here: a button with nothing else says their name.
    const icon = this.getAttribute('icon') || this.querySelector('iron-icon')?.getAttribute('icon');
    if (icon && !this.textContent.trim()) this.append(icon.replaceAll('-', ' '));
  }

  attributeChangedCallback() {
    this.push.disabled = this.disabled;
    this.push.classList.toggle('primary', this.getAttribute('variant') === 'primary');
  }

  get disabled() {
    return this.hasAttribute('disabled');
  }

  set disabled(value) {
    this.toggleAttribute('disabled', Boolean(value));
  }

  /** What the button does to its form: submit, reset or, without the attribute, nothing. */
  get formAction() {
    return this.getAttribute('form-action') || 'none';
  }

  act() {
    const form = this.closest('crowd-form');
    if (this.hasAttribute('href')) window.open(this.getAttribute('href'), this.getAttribute('target') || '_blank', 'noopener');
    else if (form && this.formAction === 'submit') form.requestSubmit();
    else if (form && this.formAction === 'reset') form.reset();
  }
}
