// Boxes as values: {id, label, left, top, width, height, proposal}. Pure; pixels of the upright image.

/** The box that spans two points, or any number of points (four for extreme-point mode). */
export function spanning(points) {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const left = Math.min(...xs);
  const top = Math.min(...ys);
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/** `box` cut to the image; never under one pixel wide or high. */
export function clamped(box, size) {
  const left = limit(box.left, 0, size.width - 1);
  const top = limit(box.top, 0, size.height - 1);
  const right = limit(box.left + box.width, left + 1, size.width);
  const bottom = limit(box.top + box.height, top + 1, size.height);
  return { ...box, left, top, width: right - left, height: bottom - top };
}

/** `box` moved by dx, dy, kept whole within the image. */
export function moved(box, dx, dy, size) {
  const left = limit(box.left + dx, 0, Math.max(0, size.width - box.width));
  const top = limit(box.top + dy, 0, Math.max(0, size.height - box.height));
  return { ...box, left, top };
}

/** `box` with its right and bottom edges moved. */
export function resized(box, dx, dy, size) {
  return clamped({ ...box, width: Math.max(1, box.width + dx), height: Math.max(1, box.height + dy) }, size);
}

/** `box` with its left and top edges moved; right and bottom stay. */
export function resizedFar(box, dx, dy) {
  const left = limit(box.left + dx, 0, box.left + box.width - 1);
  const top = limit(box.top + dy, 0, box.top + box.height - 1);
  return { ...box, left, top, width: box.left + box.width - left, height: box.top + box.height - top };
}

function limit(value, low, high) {
  return Math.min(Math.max(value, low), Math.max(low, high));
}

/** The box in whole pixels as it is submitted. Edges are rounded, so that neighbours still meet. */
export function submitted(box) {
  const left = Math.round(box.left);
  const top = Math.round(box.top);
  const width = Math.max(1, Math.round(box.left + box.width) - left);
  const height = Math.max(1, Math.round(box.top + box.height) - top);
  return { height, label: box.label, left, top, width };
}

/** True when two lists of boxes would be submitted alike, in any order. */
export function sameBoxes(one, other) {
  const text = (boxes) => boxes.map((box) => JSON.stringify(submitted(box))).sort().join();
  return text(one) === text(other);
}

/** Boxes of an initial-value or draft that can be used: numbers, and a size. */
export function readBoxes(value, labels) {
  const list = Array.isArray(value) ? value : value?.boundingBoxes ?? [];
  return list
    .map((box) => ({ label: String(box.label ?? labels[0] ?? ''), left: Number(box.left), top: Number(box.top), width: Number(box.width), height: Number(box.height) }))
    .filter((box) => [box.left, box.top, box.width, box.height].every(Number.isFinite) && box.width > 0 && box.height > 0);
}
