// <crowd-form>: gathers every field inside it and posts them to the worker's marketplace.
// Optional: answer-format="flatten-objects".
import { build } from './build.js';
import { openDraft } from './draft.js';
import { frameParameters, isPreview, navigateWith, submitAddress } from './frame.js';
import { dressedRoot } from './styles.js';
import { answerOf, fieldsOf, flatten, problemsOf } from './submission.js';

const STYLES = `
  :host { display: block; }
  .message { padding: .7rem 1rem; margin-block: 0 1rem; border-radius: var(--radius); background: var(--wash); border-inline-start: 4px solid var(--accent); }
  .message.alarm { background: var(--alarm-wash); color: var(--alarm); border-color: currentColor; }
  .message:empty { display: none; }
  pre { overflow: auto; padding: .8rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--raised); white-space: pre-wrap; overflow-wrap: anywhere; }
`;
export const PREVIEW_MESSAGE = 'This is a preview. You must ACCEPT the HIT before you can submit the results.';

export class CrowdForm extends HTMLElement {
  constructor() {
    super();
    const root = dressedRoot(this, STYLES);
    this.message = build('div', { class: 'message', role: 'status' });
    this.printed = build('div');
    root.append(this.message, this.printed, build('slot'));
    this.addEventListener('click', (event) => this.onClick(event));
    this.addEventListener('input', () => this.keepDraft());
    this.addEventListener('change', () => this.keepDraft());
    // A <form> nested inside by mistake would leave the page without the answer.
    this.addEventListener('submit', (event) => {
      if (event.target === this) return;
      event.preventDefault();
      this.requestSubmit();
    });
  }

  connectedCallback() {
    if (this.started) return;
    this.started = true;
    this.parameters = frameParameters();
    this.draft = openDraft(isPreview(this.parameters) ? { assignmentId: '' } : this.parameters);
    this.ensureButton();
    this.nameUnknown();
    this.restoreDraft();
    if (isPreview(this.parameters)) this.enterPreview();
    window.addEventListener('pagehide', () => this.keepDraftNow(answerOf(this)));
    window.addEventListener('pageshow', (event) => event.persisted && this.reopen());
  }

  ensureButton() {
    const own = this.querySelector('crowd-button[form-action="submit"]');
    if (own || this.submitButtons().length) return;
    this.append(build('crowd-button', { 'form-action': 'submit', variant: 'primary' }, 'Submit'));
  }

  submitButtons() {
    const crowd = [...this.querySelectorAll('crowd-button')].filter((button) => button.formAction === 'submit');
    const plain = [...this.querySelectorAll('button, input')].filter((element) => element.type === 'submit' || element.type === 'image');
    return [...crowd, ...plain];
  }

  nameUnknown() {
    const names = [...this.querySelectorAll('*')].map((element) => element.localName);
    const unknown = new Set(names.filter((name) => name.startsWith('crowd-') && !customElements.get(name)));
    if (unknown.size) this.say(`This page uses elements that are not available here: ${[...unknown].join(', ')}.`, true);
  }

  enterPreview() {
    this.say(PREVIEW_MESSAGE);
    for (const button of this.submitButtons()) button.disabled = true;
  }

  say(text, alarming = false) {
    this.message.classList.toggle('alarm', alarming);
    this.message.setAttribute('role', alarming ? 'alert' : 'status');
    this.message.textContent = text;
  }

  onClick(event) {
    const button = event.target.closest?.('button, input');
    const submits = button && (button.type === 'submit' || button.type === 'image');
    if (!submits || !this.contains(button)) return;
    event.preventDefault();
    this.requestSubmit();
  }

  /** The answer as it stands: what will be sent. */
  get value() {
    return answerOf(this);
  }

  /** Checks the fields, asks the page's own submit handlers, then sends. */
  requestSubmit() {
    if (this.sent || isPreview(this.parameters)) return;
    if (this.showProblems()) return;
    const event = new SubmitEvent('submit', { bubbles: true, cancelable: true });
    if (this.dispatchEvent(event)) this.submit();
  }

  showProblems() {
    for (const old of this.querySelectorAll('[data-crowd-problem]')) old.remove();
    const problems = problemsOf(this);
    for (const { element, text } of problems) {
      element.after(build('p', { 'data-crowd-problem': '', style: 'color:light-dark(#b3261e,#ff9d94);margin:.25rem 0;font-weight:550' }, text));
    }
    if (!problems.length) {
      this.say('');
      return false;
    }
    this.say(problems.length === 1 ? 'One answer is missing or needs a change.' : `${problems.length} answers are missing or need a change.`, true);
    problems[0].element.focus();
    problems[0].element.scrollIntoView({ block: 'center' });
    return true;
  }

  /** Sends without checks, as the standard's submit() does. Sends once only. */
  submit() {
    if (this.sent || isPreview(this.parameters)) return;
    const answer = answerOf(this);
    this.keepDraftNow(answer);
    const address = submitAddress(this.parameters);
    if (!address) {
      this.printed.replaceChildren(build('pre', { tabindex: '0', 'aria-label': 'Your answer' }, JSON.stringify([answer], null, 2)));
      this.say('This page is not inside a worker’s frame, so nothing was sent. This would be the answer:');
      return;
    }
    if (navigator.onLine === false) {
      this.say('You are offline. Your answer is kept in this browser; submit again when the connection is back.', true);
      return;
    }
    this.sent = true;
    for (const button of this.submitButtons()) button.disabled = true;
    this.say('Submitting…');
    const flat = this.getAttribute('answer-format') === 'flatten-objects';
    const fields = flat ? flatten(answer) : { taskAnswers: JSON.stringify([answer]) };
    navigateWith(address, { ...fields, assignmentId: this.parameters.assignmentId });
  }

  /** The browser came back to this page from its memory: the worker may try again. */
  reopen() {
    this.sent = false;
    for (const button of this.submitButtons()) button.disabled = false;
    this.say('');
  }

  reset() {
    for (const field of fieldsOf(this)) field.reset();
    this.keepDraft();
  }

  keepDraft() {
    clearTimeout(this.draftTimer);
    this.draftTimer = setTimeout(() => this.keepDraftNow(answerOf(this)), 150);
  }

  keepDraftNow(answer) {
    this.draft?.write(answer);
  }

  async restoreDraft() {
    const saved = await this.draft.read();
    if (!saved || this.sent) return;
    for (const field of fieldsOf(this)) {
      if (field.fieldName in saved) field.restore?.(saved[field.fieldName]);
    }
    this.say('Your unfinished answer was restored.');
  }
}
