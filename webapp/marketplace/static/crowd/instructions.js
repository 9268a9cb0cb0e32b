// Instructions: <crowd-instructions link-text link-type="link|button"> with its three children,
// and the <short-instructions>/<full-instructions> that the image elements carry.
import { build } from './build.js';
import { dressedRoot } from './styles.js';

const DIALOG = `
  dialog { inline-size: min(44rem, calc(100vw - 2rem)); max-block-size: calc(100dvh - 2rem); padding: 0; border: 1px solid var(--line); border-radius: 12px; background: var(--paper); color: var(--ink); box-shadow: 0 20px 60px rgb(0 0 0 / .35); }
  dialog::backdrop { background: rgb(10 15 20 / .5); }
  .top { display: flex; justify-content: space-between; align-items: center; gap: 1rem; padding: .8rem 1rem; border-block-end: 1px solid var(--line); position: sticky; inset-block-start: 0; background: var(--paper); }
  .body { padding: 1rem; overflow-wrap: anywhere; }
  .body h3 { margin: 1rem 0 .25rem; font-size: 1rem; }
  ::slotted(*) { display: block; }
`;

/** A dialog named `title`, with a way to close it; `open()` it with showModal(). */
export function instructionsDialog(title, ...content) {
  const dialog = build('dialog', { 'aria-label': title });
  dialog.append(
    build('div', { class: 'top' },
      build('h2', {}, title),
      build('button', { type: 'button', class: 'push', onclick: () => dialog.close() }, 'Close')),
    build('div', { class: 'body', tabindex: '0' }, ...content),
  );
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  return dialog;
}

export const dialogStyles = DIALOG;

export class CrowdInstructions extends HTMLElement {
  constructor() {
    super();
    this.root = dressedRoot(this, `:host { display: inline-block; } ${DIALOG}`);
  }

  connectedCallback() {
    if (this.root.childElementCount) return;
    const text = this.getAttribute('link-text') || 'View instructions';
    const sections = [['short-summary', ''], ['detailed-instructions', ''], ['positive-example', 'Good example'], ['negative-example', 'Bad example']];
    const content = [];
    for (const [tag, title] of sections) {
      const child = this.querySelector(`:scope > ${tag}`);
      if (!child) continue;
      child.slot = tag;
      if (title) content.push(build('h3', {}, title));
      content.push(build('slot', { name: tag }));
    }
    const dialog = instructionsDialog(text, ...content, build('slot'));
    this.root.append(build('button', { type: 'button', class: 'push', onclick: () => dialog.showModal() }, text), dialog);
  }
}

/**
 * What an image element shows above its picture: header, short instructions, and a button
 * that opens the full ones. The children stay where they are and are slotted in.
 */
export function instructionsPanel(element) {
  const short = element.querySelector(':scope > short-instructions');
  const full = element.querySelector(':scope > full-instructions');
  const title = element.getAttribute('header') || '';
  const panel = build('div', { class: 'intro' });
  const top = build('div', { class: 'intro-top' }, title ? build('h2', {}, title) : null);
  panel.append(top);
  if (full) {
    full.slot = 'full';
    const dialog = instructionsDialog(full.getAttribute('header') || 'Instructions', build('slot', { name: 'full' }));
    top.append(build('button', { type: 'button', class: 'push', onclick: () => dialog.showModal() }, 'Instructions'));
    panel.append(dialog);
  }
  if (short) {
    short.slot = 'short';
    panel.append(build('div', { class: 'short' }, build('slot', { name: 'short' })));
  }
  return panel;
}

export const panelStyles = `
  ${DIALOG}
  .intro { margin-block-end: .6rem; }
  .intro-top { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center; gap: .5rem 1rem; }
  .short { color: var(--muted); margin-block-start: .25rem; max-inline-size: 70ch; }
`;
