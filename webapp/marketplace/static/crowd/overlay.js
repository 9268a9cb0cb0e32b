// What a picture to verify is overlaid with: boxes, or the picture of a segmentation.
import { build, buildSvg } from './build.js';
import { parseLenient } from './lenient_json.js';
import { hue } from './styles.js';

/** Lays the `overlay` attribute of `element` over the picture of `surface`, once that is there. */
export function layOver(surface, element) {
  const text = element.getAttribute('overlay');
  if (!text) return;
  const { boundingBox, semanticSegmentation } = parseLenient(text);
  if (semanticSegmentation) layMask(surface, semanticSegmentation);
  else if (boundingBox) surface.loaded.then(() => layBoxes(surface, boundingBox), () => {});
}

function layBoxes(surface, { labels = [], value = [] }) {
  const { width, height } = surface.size;
  for (const box of value) {
    const colour = hue(labels.indexOf(box.label));
    surface.overlay.append(buildSvg('rect', {
      x: box.left, y: box.top, width: box.width, height: box.height, fill: 'none', stroke: colour, 'stroke-width': 3,
    }));
    const style = `left:${(box.left / width) * 100}%;top:${(box.top / height) * 100}%;--swatch:${colour}`;
    surface.tags.append(build('span', { class: box.top > height / 20 ? 'tag' : 'tag inside', style }, box.label));
  }
}

function layMask(surface, { src, labelMappings = {} }) {
  const key = Object.entries(labelMappings).map(([label, { color }]) => build('span', { class: 'keyed', style: `--swatch:${color}` }, label));
  surface.tags.append(build('img', { class: 'mask', src, alt: '' }));
  surface.viewport.append(build('div', { class: 'key' }, ...key));
}

export const overlayStyles = `
  .tags .mask { opacity: .55; }
  .key { position: absolute; inset: auto 0 0 0; display: flex; flex-wrap: wrap; gap: .2rem; padding: .2rem; pointer-events: none; }
  .keyed { padding: 0 .4rem; border-radius: 4px; font-size: .8rem; background: #fff; color: #10151a; border-inline-start: .7rem solid var(--swatch); }
`;
