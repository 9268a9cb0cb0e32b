// Labels to choose from, and the buttons over a picture.
import { build, buildSvg } from './build.js';
import { hue } from './styles.js';

const ICONS = {
  drag: 'M3 3h14v14H3z',
  extreme: 'M10 2.5v3M10 14.5v3M2.5 10h3M14.5 10h3M10 8.5a1.5 1.5 0 1 0 0 3a1.5 1.5 0 1 0 0-3',
  add: 'M10 4v12M4 10h12',
  copy: 'M7 7h10v10H7zM13 7V3H3v10h4',
  undo: 'M7 4L3 8l4 4M3 8h9a5 5 0 0 1 0 10h-2',
  redo: 'M13 4l4 4-4 4M17 8H8a5 5 0 0 0 0 10h2',
  zoomOut: 'M8.5 3a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M12.6 12.6L17 17M6 8.5h5',
  zoomIn: 'M8.5 3a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M12.6 12.6L17 17M6 8.5h5M8.5 6v5',
  fit: 'M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4',
  help: 'M3 5h14v10H3zM6 8h1M9.5 8h1M13 8h1M6 12h8',
};

/** A button with an icon, named `title`. */
export function iconButton(icon, title, onclick, extra = {}) {
  const drawing = buildSvg('svg', { viewBox: '0 0 20 20', width: '20', height: '20', 'aria-hidden': 'true' },
    buildSvg('path', { d: ICONS[icon], fill: 'none', stroke: 'currentColor', 'stroke-width': '1.7', 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }));
  return build('button', { type: 'button', class: 'push square', title, 'aria-label': title, onclick, ...extra }, drawing);
}

/** A group of buttons that belong together. */
export function buttonGroup(name, ...buttons) {
  return build('div', { class: 'group', role: 'group', 'aria-label': name }, ...buttons);
}

/** The labels as buttons; `choose(label)` is called on a click, `show(label)` marks one. */
export class LabelPicker {
  constructor(labels, choose) {
    this.buttons = labels.map((label, index) => build('button', {
      type: 'button', class: 'push label', 'aria-pressed': 'false', onclick: () => choose(label),
    }, build('span', { class: 'swatch', style: `--swatch:${hue(index)}` }), build('span', { class: 'name' }, label),
    index < 9 ? build('kbd', { 'aria-hidden': 'true' }, String(index + 1)) : null));
    this.labels = labels;
    this.element = build('div', { class: 'labels', role: 'group', 'aria-label': 'Labels' }, ...this.buttons);
  }

  show(label) {
    this.buttons.forEach((button, index) => button.setAttribute('aria-pressed', String(this.labels[index] === label)));
  }
}

export const toolbarStyles = `
  .toolbar { display: flex; flex-wrap: wrap; gap: .35rem .75rem; align-items: center; margin-block-end: .5rem; }
  .group { display: flex; }
  .group .push { border-radius: 0; margin-inline-start: -1px; }
  .group .push:first-child { border-start-start-radius: var(--radius); border-end-start-radius: var(--radius); margin-inline-start: 0; }
  .group .push:last-child { border-start-end-radius: var(--radius); border-end-end-radius: var(--radius); }
  .group .push:focus-visible, .group .push[aria-pressed="true"] { position: relative; z-index: 1; }
  .zoom { min-inline-size: 4.2rem; font-variant-numeric: tabular-nums; }
  .labels { display: flex; flex-wrap: wrap; gap: .35rem; }
  .label { max-inline-size: 100%; }
  .label .name { overflow-wrap: anywhere; text-align: start; }
`;
