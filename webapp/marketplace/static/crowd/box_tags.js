// The label text over each box, and a dashed outline around proposals.
import { build, buildSvg } from './build.js';
import { hue } from './styles.js';

export class BoxTags {
  constructor(surface, labels) {
    this.surface = surface;
    this.labels = labels;
    this.outlines = buildSvg('g', {});
    surface.overlay.prepend(this.outlines);
  }

  show(boxes, selected) {
    const { width, height } = this.surface.size;
    this.surface.tags.replaceChildren(...boxes.map((box, index) => {
      const room = box.top * this.surface.scale > 18;
      const style = `left:${(box.left / width) * 100}%;top:${(box.top / height) * 100}%;--swatch:${hue(this.labels.indexOf(box.label))}`;
      const classes = ['tag', room ? '' : 'inside', box.id === selected ? 'chosen' : ''].join(' ');
      return build('span', { class: classes, style }, `${index + 1} ${box.label}${box.proposal ? ' ?' : ''}`);
    }));
    this.outlines.replaceChildren(...boxes.filter((box) => box.proposal).map(({ left, top, width: wide, height: high }) => (
      buildSvg('rect', { x: left, y: top, width: wide, height: high, class: 'proposal' }))));
  }
}

export const tagStyles = `
  .overlay .proposal { fill: none; stroke: #fff; stroke-width: 3; stroke-dasharray: 7 6; filter: drop-shadow(0 0 1px #000); }
  .tag.chosen { z-index: 1; outline: 2px solid #fff; }
`;
