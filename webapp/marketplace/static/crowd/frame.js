// Where the page runs: the four parameters of the worker's frame, and the way back.

export const NOT_ACCEPTED = 'ASSIGNMENT_ID_NOT_AVAILABLE';

/** The frame's parameters; what is absent is ''. */
export function frameParameters(search = location.search) {
  const given = new URLSearchParams(search);
  const read = (name) => given.get(name) || '';
  return { assignmentId: read('assignmentId'), hitId: read('hitId'), workerId: read('workerId'), turkSubmitTo: read('turkSubmitTo') };
}

export function isPreview(parameters) {
  return parameters.assignmentId === NOT_ACCEPTED;
}

/** The address a form posts to, or '' outside a worker's frame. turkSubmitTo is a host root. */
export function submitAddress(parameters) {
  if (!parameters.assignmentId || !/^(https?:)?\/\//.test(parameters.turkSubmitTo)) return '';
  return new URL('/mturk/externalSubmit', new URL(parameters.turkSubmitTo, location.href)).href;
}

/** Leaves the page for `address` with `fields`, as a real form navigation of this frame. */
export function navigateWith(address, fields) {
  const form = document.createElement('form');
  form.method = 'post';
  form.action = address;
  form.hidden = true;
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement('input');
    input.type = 'hidden';
    input.name = name;
    input.value = value;
    form.append(input);
  }
  document.body.append(form);
  HTMLFormElement.prototype.submit.call(form);
}
