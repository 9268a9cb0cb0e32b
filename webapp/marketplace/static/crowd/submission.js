// From the fields of a page to the answer: one object, one key a field name.

/** Every field inside `scope`: our elements and the page's plain inputs, in page order. */
export function fieldsOf(scope) {
  return [...scope.querySelectorAll('*')].map(asField).filter((field) => field !== null);
}

function asField(element) {
  if ('fieldName' in element) return element.fieldName ? element : null;
  if (!element.matches('input, select, textarea') || !element.name || element.disabled) return null;
  if (['submit', 'button', 'reset', 'image', 'file'].includes(element.type)) return null;
  return plainField(element);
}

function plainField(element) {
  const ticks = element.type === 'checkbox' || element.type === 'radio';
  return {
    element,
    fieldName: element.name,
    get fieldValue() {
      if (ticks) return { [element.value]: element.checked };
      if (element.multiple) return [...element.selectedOptions].map((option) => option.value);
      return element.value === '' ? undefined : element.value;
    },
    restore(saved) {
      if (ticks) element.checked = saved?.[element.value] === true;
      else if (element.multiple) for (const option of element.options) option.selected = saved.includes(option.value);
      else element.value = saved;
    },
    reset() {
      if (ticks) element.checked = element.defaultChecked;
      else if (element.matches('select')) for (const option of element.options) option.selected = option.defaultSelected;
      else element.value = element.defaultValue;
    },
  };
}

/** The answer object of `scope`. Fields of one name are merged when they are objects. */
export function answerOf(scope) {
  const answer = {};
  for (const field of fieldsOf(scope)) {
    const value = field.fieldValue;
    if (value === undefined) continue;
    const before = answer[field.fieldName];
    answer[field.fieldName] = isPlainObject(before) && isPlainObject(value) ? { ...before, ...value } : value;
  }
  return answer;
}

function isPlainObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is wrong, in page order: [{element, text}]; empty when the answer may be sent. */
export function problemsOf(scope) {
  const problems = [];
  for (const element of scope.querySelectorAll('*')) {
    const text = typeof element.problem === 'function' ? element.problem() : plainProblem(element);
    if (text) problems.push({ element, text });
  }
  return problems;
}

function plainProblem(element) {
  if (!element.matches('input, select, textarea') || element.checkValidity()) return '';
  return element.validationMessage || 'Please fill in this field.';
}

/** Dotted names for `answer-format="flatten-objects"`: {"a.b": "text"}; lists stay JSON. */
export function flatten(answer, prefix = '') {
  const flat = {};
  for (const [name, value] of Object.entries(answer)) {
    if (isPlainObject(value)) Object.assign(flat, flatten(value, `${prefix}${name}.`));
    else flat[prefix + name] = typeof value === 'string' ? value : JSON.stringify(value);
  }
  return flat;
}
