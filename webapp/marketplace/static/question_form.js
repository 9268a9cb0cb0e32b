// A QuestionForm's page: formats and numbers of choices are checked as one goes, and an
// unfinished answer is kept in this browser.
import { openDraft } from './crowd/draft.js';
import { frameParameters, isPreview } from './crowd/frame.js';

const form = document.getElementById('question-form');
const parameters = frameParameters();
const draft = openDraft(isPreview(parameters) ? { assignmentId: '' } : parameters);

/** What keeps a field's text from matching every pattern asked of it, or ''. */
function formatProblem(field) {
  for (const { regex, flags, help } of JSON.parse(field.dataset.patterns)) {
    const expression = readExpression(regex, flags);
    if (expression && field.value && !expression.test(field.value)) {
      return help || 'This does not have the expected format.';
    }
  }
  return '';
}

function readExpression(regex, flags) {
  try {
    return new RegExp(regex, flags.replace(/[^imsu]/g, ''));
  } catch {
    return null; // not an expression that browsers read: nobody is held up by it
  }
}

/** What is wrong with the number of ticks in a set of check-boxes, or ''. */
function countProblem(set) {
  const { least, most } = set.dataset;
  const count = set.querySelectorAll('input[type=checkbox]:checked').length;
  const needed = Math.max(Number(least), 'required' in set.dataset ? 1 : 0);
  if (count > Number(most)) return `Choose at most ${most}.`;
  return (count || 'required' in set.dataset) && count < needed ? `Choose at least ${needed}.` : '';
}

function check() {
  for (const field of form.querySelectorAll('[data-patterns]')) field.setCustomValidity(formatProblem(field));
  for (const set of form.querySelectorAll('fieldset[data-most]')) {
    set.querySelector('input').setCustomValidity(countProblem(set));
  }
}

function answerFields() {
  return [...form.elements].filter((field) => /^q\d/.test(field.name));
}

function keep() {
  draft.write(answerFields().map((field) => (/^(checkbox|radio)$/.test(field.type) ? field.checked : field.value)));
}

async function restore() {
  const kept = await draft.read();
  const fields = answerFields();
  if (!Array.isArray(kept) || kept.length !== fields.length) return;
  fields.forEach((field, place) => {
    if (typeof kept[place] === 'boolean') field.checked = kept[place];
    else field.value = kept[place];
  });
  check();
}

check();
restore();
form.addEventListener('input', () => {
  check();
  keep();
});
