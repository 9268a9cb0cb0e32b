// Boxes as values: {id, label, left, top, right, bottom, how, answers, weight}, in pixels of the
// upright picture. Nothing here touches the page.
"use strict";

const SIDES = ["left", "top", "right", "bottom"];
const SAME_OBJECT = 0.5; // IoU from which two boxes of one class are merged unasked

const Boxes = {
  /** `box` cut to the picture, its sides in order, never under a pixel wide. */
  within(box, size) {
    const limit = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
    const left = limit(Math.min(box.left, box.right), 0, size.width - 1);
    const top = limit(Math.min(box.top, box.bottom), 0, size.height - 1);
    const right = limit(Math.max(box.left, box.right), left + 1, size.width);
    const bottom = limit(Math.max(box.top, box.bottom), top + 1, size.height);
    return Boxes.rounded({ ...box, left, top, right, bottom });
  },

  rounded(box) {
    const round = (value) => Math.round(value * 100) / 100;
    return { ...box, ...Object.fromEntries(SIDES.map((side) => [side, round(box[side])])) };
  },

  /** `box` moved whole, kept within the picture. */
  moved(box, dx, dy, size) {
    const x = Math.min(Math.max(dx, -box.left), size.width - box.right);
    const y = Math.min(Math.max(dy, -box.top), size.height - box.bottom);
    return Boxes.rounded({ ...box, left: box.left + x, right: box.right + x, top: box.top + y, bottom: box.bottom + y });
  },

  /** `box` with its right and bottom sides moved, or with `isFar` its left and top ones. */
  resized(box, dx, dy, size, isFar) {
    if (isFar) {
      const left = Math.min(box.left + dx, box.right - 1);
      const top = Math.min(box.top + dy, box.bottom - 1);
      return Boxes.within({ ...box, left, top }, size);
    }
    const right = Math.max(box.right + dx, box.left + 1);
    const bottom = Math.max(box.bottom + dy, box.top + 1);
    return Boxes.within({ ...box, right, bottom }, size);
  },

  /** Two halves of `box`, cut across its longer side. */
  halves(box) {
    const isWide = box.right - box.left >= box.bottom - box.top;
    const [low, high] = isWide ? ["left", "right"] : ["top", "bottom"];
    const middle = (box[low] + box[high]) / 2;
    return [{ ...box, [high]: middle }, { ...box, [low]: middle }].map(Boxes.rounded);
  },

  overlap(one, other) {
    const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
    const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
    if (width <= 0 || height <= 0) return 0;
    const area = (box) => (box.right - box.left) * (box.bottom - box.top);
    return (width * height) / (area(one) + area(other) - width * height);
  },

  areOneObject(one, other) {
    return one.label === other.label && Boxes.overlap(one, other) >= SAME_OBJECT;
  },

  /** The mean of boxes, side by side, each counted by its weight: workers by theirs, others by 1. */
  merged(boxes) {
    const weight = (box) => (box.weight > 0 ? box.weight : 1);
    const sum = boxes.reduce((total, box) => total + weight(box), 0);
    const mean = (side) => boxes.reduce((total, box) => total + box[side] * weight(box), 0) / sum;
    const answers = [...new Set(boxes.flatMap((box) => box.answers))];
    return Boxes.rounded({
      ...Object.fromEntries(SIDES.map((side) => [side, mean(side)])),
      label: Boxes.usualLabel(boxes, weight), how: "merged", answers, weight: null,
    });
  },

  usualLabel(boxes, weight) {
    const votes = new Map();
    for (const box of boxes) votes.set(box.label, (votes.get(box.label) ?? 0) + weight(box));
    return [...votes].sort(([, a], [, b]) => b - a)[0][0];
  },

  same(one, other) {
    const text = (boxes) => boxes.map((box) => [box.label, ...SIDES.map((side) => box[side])].join()).sort().join(";");
    return text(one) === text(other);
  },

  size(box) { return `${Math.round(box.right - box.left)} × ${Math.round(box.bottom - box.top)}`; },
};

/** Versions of the list of boxes to go back and forth between; the present one is never changed. */
class Steps {
  constructor(present) {
    this.present = present;
    this.past = [];
    this.future = [];
    this.kind = "";
  }

  /** Makes `next` the present. Steps of one `kind` in a row (a held arrow key) count as one. */
  take(next, kind = "") {
    if (!kind || kind !== this.kind) this.past = [...this.past, this.present].slice(-200);
    this.kind = kind;
    this.present = next;
    this.future = [];
  }

  back() { return this.step(this.past, this.future); }

  forth() { return this.step(this.future, this.past); }

  step(from, to) {
    if (!from.length) return false;
    to.push(this.present);
    this.present = from.pop();
    this.kind = "";
    return true;
  }
}
