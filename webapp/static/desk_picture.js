// The picture on the desk: fitted, zoomed, moved by mouse, two fingers or keys.
"use strict";

class Picture {
  constructor(stage) {
    this.size = { width: Number(stage.dataset.width), height: Number(stage.dataset.height) };
    this.view = stage.querySelector("[data-view]");
    this.canvas = stage.querySelector("[data-canvas]");
    this.image = stage.querySelector("[data-picture]");
    this.level = stage.querySelector("[data-level]");
    this.zoom = 1;
    this.listeners = [];
    this.view.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    this.followFingers();
    new ResizeObserver(() => this.lay()).observe(this.view);
    addEventListener("resize", () => this.lay());
    this.broken = stage.querySelector("[data-broken]");
    this.image.addEventListener("error", () => { this.broken.hidden = false; });
    this.image.addEventListener("load", () => { this.broken.hidden = true; });
    if (this.image.complete && !this.image.naturalWidth) this.broken.hidden = false;
    this.lay();
  }

  /** Asks for the picture anew; the boxes stay. */
  reload() {
    const { src } = this.image;
    this.image.removeAttribute("src");
    this.image.src = src;
  }

  /** Page pixels that a picture's pixel takes when the whole picture is seen. */
  get fitting() {
    const above = this.view.getBoundingClientRect().top + scrollY;
    const tallest = Math.max(320, innerHeight - above - 60); // what is chosen stays in sight below
    return Math.min((this.view.clientWidth || 1) / this.size.width, tallest / this.size.height, 6);
  }

  get scale() { return this.fitting * this.zoom; }

  lay() {
    const { scale, size } = this;
    this.canvas.style.width = `${size.width * scale}px`;
    this.canvas.style.height = `${size.height * scale}px`;
    this.view.style.height = `${Math.ceil(size.height * this.fitting)}px`;
    this.level.textContent = `${Math.round(this.zoom * 100)} %`;
    for (const listener of this.listeners) listener();
  }

  /** Zooms, keeping the point of the picture under the given place of the page where it is. */
  zoomTo(zoom, x, y) {
    const frame = this.view.getBoundingClientRect();
    const [atX, atY] = [x ?? frame.left + frame.width / 2, y ?? frame.top + frame.height / 2];
    const point = this.point(atX, atY);
    this.zoom = Math.min(24, Math.max(1, zoom));
    this.lay();
    const now = this.canvas.getBoundingClientRect();
    this.view.scrollLeft += now.left + point.x * this.scale - atX;
    this.view.scrollTop += now.top + point.y * this.scale - atY;
  }

  point(clientX, clientY) {
    const frame = this.canvas.getBoundingClientRect();
    return { x: ((clientX - frame.left) / frame.width) * this.size.width, y: ((clientY - frame.top) / frame.height) * this.size.height };
  }

  /** The part of the picture in view, in its pixels. */
  inView() {
    const frame = this.view.getBoundingClientRect();
    const limit = (value, most) => Math.min(Math.max(value, 0), most);
    const from = this.point(frame.left, frame.top);
    const to = this.point(frame.right, frame.bottom);
    const [left, right] = [limit(from.x, this.size.width), limit(to.x, this.size.width)];
    const [top, bottom] = [limit(from.y, this.size.height), limit(to.y, this.size.height)];
    return { left, top, width: right - left, height: bottom - top };
  }

  scroll(dx, dy) {
    this.view.scrollLeft += dx;
    this.view.scrollTop += dy;
  }

  /** Moves the view just so far that a box is in it. */
  reveal(box) {
    if (this.zoom === 1) return;
    const seen = this.inView();
    const past = (low, high, from, room) => (high - low > room || low < from ? low - from : Math.max(high - from - room, 0));
    this.scroll(past(box.left, box.right, seen.left, seen.width) * this.scale, past(box.top, box.bottom, seen.top, seen.height) * this.scale);
  }

  onWheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls, as everywhere
    event.preventDefault();
    this.zoomTo(this.zoom * Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
  }

  /** Drags the view along with the pointer of `event` until it is lifted. */
  drag(event) {
    let { clientX, clientY } = event;
    const follow = (move) => {
      if (move.pointerId !== event.pointerId) return;
      this.scroll(clientX - move.clientX, clientY - move.clientY);
      ({ clientX, clientY } = move);
    };
    const stop = () => removeEventListener("pointermove", follow);
    addEventListener("pointermove", follow);
    addEventListener("pointerup", stop, { once: true });
    addEventListener("pointercancel", stop, { once: true });
  }

  /** Two fingers zoom and move; whoever listens to `onpinch` gives up what one finger began. */
  followFingers() {
    const fingers = new Map();
    const spread = () => {
      const [one, other] = [...fingers.values()];
      return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, gap: Math.hypot(one.x - other.x, one.y - other.y) };
    };
    const lift = (event) => fingers.delete(event.pointerId);
    this.view.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "touch") return;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (fingers.size === 2) this.onpinch?.();
    }, true);
    this.view.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      const before = fingers.size === 2 ? spread() : null;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (!before) return;
      event.stopPropagation();
      const after = spread();
      this.zoomTo(this.zoom * (after.gap / Math.max(1, before.gap)), after.x, after.y);
      this.scroll(before.x - after.x, before.y - after.y);
    }, true);
    addEventListener("pointerup", lift, true);
    addEventListener("pointercancel", lift, true);
  }
}
