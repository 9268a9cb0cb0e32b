// A picture to work on: loads it upright, fits it, zooms and pans, and turns pointer events
// into image pixels. One size rules all: what the browser shows is what is measured.
import { build, buildSvg } from './build.js';

const MAX_ZOOM = 24;
const MAX_FIT = 4;

export class Surface {
  constructor(source, { altText, declaredWidth = 0, declaredHeight = 0 }) {
    this.size = { width: declaredWidth, height: declaredHeight };
    this.zoom = 1;
    this.image = build('img', { alt: altText, draggable: 'false' });
    this.overlay = buildSvg('svg', { class: 'overlay', 'aria-hidden': 'true' });
    this.tags = build('div', { class: 'tags', 'aria-hidden': 'true' });
    this.canvas = build('div', { class: 'canvas' }, this.image, this.overlay, this.tags);
    this.viewport = build('div', { class: 'viewport' }, this.canvas);
    this.viewport.addEventListener('wheel', (event) => this.onWheel(event), { passive: false });
    this.followTwoFingers();
    this.watcher = new ResizeObserver(() => this.layout());
    this.watcher.observe(this.viewport);
    window.addEventListener('resize', () => this.layout());
    this.loaded = this.load(source);
  }

  async load(source) {
    this.image.src = source;
    await this.image.decode().catch((error) => {
      // decode() may refuse what the browser can still show; only an unshown picture is a failure.
      if (!this.image.complete || !this.image.naturalWidth) throw error;
    });
    this.size = { width: this.image.naturalWidth, height: this.image.naturalHeight };
    this.overlay.setAttribute('viewBox', `0 0 ${this.size.width} ${this.size.height}`);
    this.layout();
    return this.size;
  }

  /** Css pixels an image pixel takes at zoom 1. */
  get fitScale() {
    const room = this.viewport.clientWidth || 1;
    // Picture and tools should be seen together in the worker's frame.
    const tallest = Math.max(280, Math.min(760, window.innerHeight - 170));
    return Math.min(room / this.size.width, tallest / this.size.height, MAX_FIT);
  }

  get scale() {
    return this.fitScale * this.zoom;
  }

  layout() {
    if (!this.size.width || !this.size.height) return;
    const scale = this.scale;
    this.canvas.style.width = `${this.size.width * scale}px`;
    this.canvas.style.height = `${this.size.height * scale}px`;
    this.viewport.style.height = `${Math.ceil(this.size.height * this.fitScale)}px`;
    this.overlay.style.setProperty('--pixel', String(1 / scale));
    this.onlayout?.();
  }

  /** Zooms to `zoom`, keeping the image point under the client position where it is. */
  zoomTo(zoom, clientX, clientY) {
    const frame = this.viewport.getBoundingClientRect();
    const x = clientX ?? frame.left + frame.width / 2;
    const y = clientY ?? frame.top + frame.height / 2;
    const point = this.pointAt(x, y);
    this.zoom = Math.min(MAX_ZOOM, Math.max(1, zoom));
    this.layout();
    const now = this.canvas.getBoundingClientRect();
    this.viewport.scrollLeft += now.left + point.x * this.scale - x;
    this.viewport.scrollTop += now.top + point.y * this.scale - y;
  }

  /** The image point under a client position; it may lie outside the image. */
  pointAt(clientX, clientY) {
    const frame = this.canvas.getBoundingClientRect();
    return {
      x: ((clientX - frame.left) / frame.width) * this.size.width,
      y: ((clientY - frame.top) / frame.height) * this.size.height,
    };
  }

  /** The image point under a pointer event, kept within the image. */
  pointOf(event) {
    const { x, y } = this.pointAt(event.clientX, event.clientY);
    return { x: Math.min(Math.max(x, 0), this.size.width), y: Math.min(Math.max(y, 0), this.size.height) };
  }

  /** The part of the image in view, in image pixels. */
  inView() {
    const frame = this.viewport.getBoundingClientRect();
    const from = this.pointOf({ clientX: frame.left, clientY: frame.top });
    const to = this.pointOf({ clientX: frame.right, clientY: frame.bottom });
    return { left: from.x, top: from.y, width: to.x - from.x, height: to.y - from.y };
  }

  /** Moves the view by so many css pixels; false where there is nothing more to see. */
  scrollBy(dx, dy) {
    const { scrollLeft, scrollTop } = this.viewport;
    this.viewport.scrollLeft += dx;
    this.viewport.scrollTop += dy;
    return this.viewport.scrollLeft !== scrollLeft || this.viewport.scrollTop !== scrollTop;
  }

  /** Moves the view just so far that an image point is in it. */
  bringIntoView({ x, y }) {
    const view = this.inView();
    const past = (value, low, room) => Math.min(value - low, 0) + Math.max(value - low - room, 0);
    this.scrollBy(past(x, view.left, view.width) * this.scale, past(y, view.top, view.height) * this.scale);
  }

  onWheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls, as everywhere
    event.preventDefault();
    this.zoomTo(this.zoom * Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
  }

  /** Drags the view along with the pointer of `event` until it is lifted. */
  pan(event) {
    let { clientX, clientY } = event;
    const follow = (move) => {
      if (move.pointerId !== event.pointerId) return;
      this.viewport.scrollLeft -= move.clientX - clientX;
      this.viewport.scrollTop -= move.clientY - clientY;
      ({ clientX, clientY } = move);
    };
    const stop = () => window.removeEventListener('pointermove', follow);
    window.addEventListener('pointermove', follow);
    window.addEventListener('pointerup', stop, { once: true });
    window.addEventListener('pointercancel', stop, { once: true });
  }

  /** Two fingers zoom and pan; `onpinch` tells the owner to give up what one finger began. */
  followTwoFingers() {
    const fingers = new Map();
    const spread = () => {
      const [one, other] = [...fingers.values()];
      return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, gap: Math.hypot(one.x - other.x, one.y - other.y) };
    };
    const lift = (event) => fingers.delete(event.pointerId);
    this.viewport.addEventListener('pointerdown', (event) => {
      if (event.pointerType !== 'touch') return;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (fingers.size === 2) this.onpinch?.();
    }, true);
    this.viewport.addEventListener('pointermove', (event) => {
      if (!fingers.has(event.pointerId)) return;
      const before = fingers.size === 2 ? spread() : null;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (!before) return;
      event.stopPropagation();
      const after = spread();
      this.zoomTo(this.zoom * (after.gap / Math.max(1, before.gap)), after.x, after.y);
      this.viewport.scrollLeft -= after.x - before.x;
      this.viewport.scrollTop -= after.y - before.y;
    }, true);
    window.addEventListener('pointerup', lift, true);
    window.addEventListener('pointercancel', lift, true);
    this.isPinching = () => fingers.size > 1;
  }
}

export const surfaceStyles = `
  .viewport { position: relative; overflow: auto; overscroll-behavior: contain; border-radius: var(--radius); background: var(--raised); scrollbar-width: thin; }
  .canvas { position: relative; margin-inline: auto; isolation: isolate; touch-action: none; user-select: none; -webkit-user-select: none; cursor: crosshair; }
  .canvas img { display: block; inline-size: 100%; block-size: 100%; max-inline-size: none; image-orientation: from-image; -webkit-user-drag: none; }
  .overlay, .tags { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; pointer-events: none; overflow: hidden; }
  .overlay * { vector-effect: non-scaling-stroke; }
  .overlay .band { fill: rgb(255 255 255 / .14); stroke: #fff; stroke-width: 2; filter: drop-shadow(0 0 1px #000); }
  .overlay .cross { stroke: rgb(255 255 255 / .85); stroke-width: 1; stroke-dasharray: 4 3; }
  .tag { position: absolute; max-inline-size: 12rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font: 600 .75rem/1.35 system-ui, sans-serif; padding: 0 .35rem; border-radius: 4px; background: var(--swatch); color: #10151a; translate: 0 -100%; box-shadow: 0 0 0 1px rgb(0 0 0 / .35); }
  .tag.inside { translate: 0 0; }
`;
