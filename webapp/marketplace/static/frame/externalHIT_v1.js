// The names that pages of the old kind call: decode, turkGetParam, turkGetSubmitToHost and
// turkSetAssignmentID, for plain HTML forms without crowd elements.
/* exported decode, turkGetParam, turkGetSubmitToHost, turkSetAssignmentID */

function decode(text) {
  var spaced = String(text).replace(/\+/g, ' ');
  try {
    return decodeURIComponent(spaced);
  } catch (error) {
    return spaced; // a stray percent sign is text
  }
}

function turkGetParam(name, defaultValue) {
  var pairs = window.location.search.replace(/^\?/, '').split('&');
  for (var i = 0; i < pairs.length; i += 1) {
    var cut = pairs[i].indexOf('=');
    var key = cut < 0 ? pairs[i] : pairs[i].slice(0, cut);
    if (key && decode(key) === name) return cut < 0 ? '' : decode(pairs[i].slice(cut + 1));
  }
  return defaultValue;
}

function turkGetSubmitToHost() {
  var host = turkGetParam('turkSubmitTo', 'https://www.mturk.com');
  return /^(https?:)?\/\//.test(host) ? host.replace(/\/+$/, '') : 'https://www.mturk.com';
}

function turkSetAssignmentID(formId, buttonId) {
  var form = document.getElementById(formId || 'mturk_form');
  var button = document.getElementById(buttonId || 'submitButton');
  var assignmentId = turkGetParam('assignmentId', '');
  var field = document.getElementById('assignmentId');
  if (field) field.value = assignmentId;
  if (assignmentId === 'ASSIGNMENT_ID_NOT_AVAILABLE' && button) {
    button.disabled = true;
    var message = 'You must ACCEPT the HIT before you can submit the results.';
    if ('value' in button && button.tagName === 'INPUT') button.value = message;
    else button.textContent = message;
  }
  if (form) form.action = turkGetSubmitToHost() + '/mturk/externalSubmit';
}
