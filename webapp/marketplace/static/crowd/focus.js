// Which picture of the page a key belongs to: the one with the focus, or, when nothing has it,
// the one touched last.
const followers = [];
let last = null;

/** Calls `onKey(event)` for keys meant for `element`; true from it means "was mine". */
export function followKeys(element, onKey) {
  const follower = { element, onKey, spaceHeld: false };
  followers.push(follower);
  last ??= follower;
  element.addEventListener('pointerdown', () => { last = follower; }, true);
  element.addEventListener('focusin', () => { last = follower; });
  return follower;
}

function followerOf(event) {
  const path = event.composedPath();
  const inside = followers.find(({ element }) => path.includes(element));
  if (inside) return inside;
  return event.target === document.body && last?.element.isConnected ? last : null;
}

function isTyping(event) {
  const target = event.composedPath()[0];
  return target instanceof Element && (target.matches('input, select, textarea') || target.isContentEditable || target.closest('dialog'));
}

// On the window and first in line: Annotorious listens on the document and would undo in every
// picture of the page at once.
window.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || !followers.length) return;
  const isUndo = (event.ctrlKey || event.metaKey) && ['z', 'y'].includes(event.key.toLowerCase());
  const follower = isTyping(event) ? null : followerOf(event);
  if (follower && event.key === ' ' && !(event.composedPath()[0] instanceof HTMLButtonElement)) {
    follower.spaceHeld = true;
    event.preventDefault();
  }
  const taken = follower ? follower.onKey(event) : false;
  if (isUndo || taken) event.stopPropagation();
}, true);

window.addEventListener('keyup', (event) => {
  if (event.key === ' ') for (const follower of followers) follower.spaceHeld = false;
}, true);
