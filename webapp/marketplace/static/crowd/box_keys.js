// What a key does while the picture has the focus. Pure: an event in, a command out.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PLAIN = {
  delete: 'delete', backspace: 'delete', escape: 'escape', b: 'add', c: 'copy', e: 'mode', enter: 'point', a: 'accept', r: 'reject',
  n: 'next', p: 'previous', '+': 'zoomIn', '=': 'zoomIn', '-': 'zoomOut', 0: 'fit', '?': 'help',
};

/** The command of a keydown: {name, ...details}, or null when the key is not ours. */
export function commandOf(event) {
  const key = event.key.toLowerCase();
  if (event.ctrlKey && ARROWS[event.key] && !event.altKey && !event.metaKey) return { name: 'resizeFar', ...stepOf(event) };
  if (event.ctrlKey || event.metaKey) {
    if (event.altKey) return null;
    if (key === 'z') return { name: event.shiftKey ? 'redo' : 'undo' };
    return key === 'y' ? { name: 'redo' } : null;
  }
  if (ARROWS[event.key]) return { name: event.altKey ? 'resize' : 'move', ...stepOf(event) };
  if (event.altKey) return null;
  if (/^[1-9]$/.test(key)) return { name: 'label', index: Number(key) - 1 };
  return Object.hasOwn(PLAIN, key) ? { name: PLAIN[key] } : null;
}

function stepOf(event) {
  const [dx, dy] = ARROWS[event.key].map((step) => step * (event.shiftKey ? 10 : 1));
  return { dx, dy };
}

/** The keys as the page explains them. */
export const KEY_HELP = [
  ['1 – 9', 'choose a label (and give it to the selected box)'],
  ['B', 'add a box without the mouse'],
  ['N, P', 'next, previous box'],
  ['Arrows', 'move the box by 1 pixel, with Shift by 10'],
  ['Alt + arrows', 'move its right or bottom edge, with Shift by 10'],
  ['Ctrl + arrows', 'move its left or top edge, with Shift by 10'],
  ['Delete', 'delete the box'],
  ['C', 'copy the last box'],
  ['E', 'four-point mode on or off; there arrows move a cross, and Enter sets a point'],
  ['Shift + drag', 'draw inside the selected box'],
  ['A, R', 'accept, reject a proposal'],
  ['Ctrl + Z, Ctrl + Y', 'undo, redo'],
  ['+, −, 0', 'zoom in, out, whole picture'],
  ['Space + drag', 'move the view; two fingers on a touch screen'],
  ['Arrows', 'with no box selected: move the view of a zoomed picture'],
  ['Esc', 'give up, or unselect'],
];
