// <crowd-classifier>, <crowd-image-classifier> and their -multi-select kin:
// name, header, categories, exclusion-category, a <worker-comment> to invite one; src and overlay for
// pictures, <classification-target> else.
import { build, freshId } from './build.js';
import { instructionsPanel, panelStyles } from './instructions.js';
import { listAttribute, parseLenient } from './lenient_json.js';
import { layOver, overlayStyles } from './overlay.js';
import { dressedRoot } from './styles.js';
import { Surface, surfaceStyles } from './surface.js';

const STYLES = `
  :host { display: block; container-type: inline-size; margin-block: .5rem 1rem; }
  .work { display: grid; grid-template-columns: minmax(0, 1fr); gap: .75rem 1rem; }
  @container (min-width: 680px) { .work { grid-template-columns: minmax(0, 1fr) 16rem; } }
  .choices { display: grid; gap: .4rem; align-content: start; border: 0; margin: 0; padding: 0; min-inline-size: 0; }
  .choices legend { padding: 0; margin-block-end: .4rem; font-size: .9rem; font-weight: 550; }
  .choice { display: flex; align-items: center; gap: .6rem; padding: .5rem .75rem; min-height: 2.75rem; border: 1px solid var(--edge); border-radius: var(--radius); cursor: pointer; overflow-wrap: anywhere; }
  .choice:hover { background: var(--wash); }
  .choice:has(:checked) { background: var(--wash); border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
  .choice:has(:focus-visible) { outline: 3px solid var(--accent); outline-offset: 2px; }
  .choice input { inline-size: 1.2rem; block-size: 1.2rem; flex: none; accent-color: var(--accent); margin: 0; outline: none; }
  .choice.exclusion { margin-block-start: .5rem; border-style: dashed; }
  .comment summary { cursor: pointer; padding-block: .5rem; color: var(--accent); }
  .comment textarea { inline-size: 100%; padding: .45rem .65rem; border: 1px solid var(--edge); border-radius: var(--radius); background: var(--paper); }
  .canvas { cursor: default; touch-action: auto; }
`;

class Classifier extends HTMLElement {
  constructor({ many, picture }) {
    super();
    this.many = many;
    this.picture = picture;
    this.inputs = [];
  }

  connectedCallback() {
    if (this.root) return;
    this.root = dressedRoot(this, STYLES + panelStyles + surfaceStyles + overlayStyles);
    try {
      const categories = listAttribute(this, 'categories').map(String);
      const exclusion = this.many ? this.readExclusion() : '';
      this.root.append(instructionsPanel(this), build('div', { class: 'work' }, this.target(), this.choices(categories, exclusion)));
    } catch (error) {
      this.trouble = error.message;
      this.root.append(build('p', { class: 'alarm', role: 'alert' }, error.message));
    }
  }

  readExclusion() {
    const text = this.getAttribute('exclusion-category');
    if (!text) return '';
    const value = parseLenient(text);
    return String(value?.text ?? value);
  }

  target() {
    if (!this.picture) {
      const child = this.querySelector(':scope > classification-target');
      if (child) child.slot = 'target';
      return build('div', { class: 'target' }, build('slot', { name: 'target' }));
    }
    const surface = new Surface(this.getAttribute('src') || '', { altText: this.getAttribute('header') || 'Picture to classify' });
    layOver(surface, this);
    surface.loaded.catch(() => {
      this.trouble = 'The picture could not be loaded.';
      surface.viewport.replaceWith(build('p', { class: 'alarm', role: 'alert' }, this.trouble));
    });
    return surface.viewport;
  }

  choices(categories, exclusion) {
    const name = freshId('choice');
    const all = exclusion ? [...categories, exclusion] : categories;
    const rows = all.map((text) => {
      const input = build('input', { type: this.many ? 'checkbox' : 'radio', name, value: text, onchange: () => this.onPick(input) });
      this.inputs.push(input);
      return build('label', { class: text === exclusion ? 'choice exclusion' : 'choice' }, input, text);
    });
    this.exclusion = exclusion;
    return build('fieldset', { class: 'choices' }, build('legend', {}, this.many ? 'Choose all that apply' : 'Choose one'), ...rows, this.commentBox());
  }

  /** Room for the comment that a <worker-comment> child invites, or null. */
  commentBox() {
    const asked = this.querySelector(':scope > worker-comment');
    if (!asked) return null;
    asked.slot = 'comment';
    const say = (name, otherwise) => asked.getAttribute(name) || otherwise;
    this.comment = build('textarea', { rows: '3', placeholder: say('placeholder', ''), 'aria-label': say('header', 'Add a comment') });
    return build('details', { class: 'comment' },
      build('summary', {}, say('link-text', 'Add a comment')), build('strong', {}, say('header', 'Add a comment')), build('slot', { name: 'comment' }), this.comment);
  }

  onPick(picked) {
    if (picked.checked && this.exclusion) {
      for (const input of this.inputs) {
        if ((input.value === this.exclusion) !== (picked.value === this.exclusion)) input.checked = false;
      }
    }
    this.dispatchEvent(new Event('input', { bubbles: true }));
    this.dispatchEvent(new Event('change', { bubbles: true }));
  }

  get fieldName() {
    return this.getAttribute('name') || '';
  }

  get chosen() {
    return this.inputs.filter((input) => input.checked).map((input) => input.value);
  }

  get value() {
    const comment = this.comment?.value.trim() ? { workerComment: this.comment.value } : {};
    if (this.many) return { labels: this.chosen, ...comment };
    return this.chosen.length ? { label: this.chosen[0], ...comment } : undefined;
  }

  get fieldValue() {
    return this.value;
  }

  problem() {
    if (this.trouble) return `${this.trouble} Without it this cannot be answered.`;
    return this.chosen.length ? '' : `Please choose ${this.many ? 'at least one answer' : 'one answer'}.`;
  }

  restore(saved) {
    const labels = this.many ? saved?.labels ?? [] : [saved?.label];
    for (const input of this.inputs) input.checked = labels.includes(input.value);
    if (this.comment) this.comment.value = saved?.workerComment ?? '';
  }

  reset() {
    this.restore({});
  }

  focus() {
    this.inputs[0]?.focus();
  }
}

export class CrowdClassifier extends Classifier {
  constructor() {
    super({ many: false, picture: false });
  }
}

export class CrowdImageClassifier extends Classifier {
  constructor() {
    super({ many: false, picture: true });
  }
}

export class CrowdClassifierMultiSelect extends Classifier {
  constructor() {
    super({ many: true, picture: false });
  }
}

export class CrowdImageClassifierMultiSelect extends Classifier {
  constructor() {
    super({ many: true, picture: true });
  }
}
