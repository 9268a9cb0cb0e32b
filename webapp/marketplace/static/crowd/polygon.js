// <crowd-polygon>, <crowd-polyline>, <crowd-line>: name, src, labels, header, initial-value.
import { MarkingElement } from './markings.js';

function shapeOf(field, noun, least, most, closed) {
  return {
    field, noun, least, most, closed,
    read: (entry) => (Array.isArray(entry.vertices) ? entry.vertices.map(({ x, y }) => ({ x: Number(x), y: Number(y) })) : []),
    write: ({ label, points }) => ({ label, vertices: points.map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) })) }),
  };
}

export class CrowdPolygon extends MarkingElement {
  constructor() {
    super(shapeOf('polygons', 'polygon', 3, Infinity, true));
  }
}

export class CrowdPolyline extends MarkingElement {
  constructor() {
    super(shapeOf('polylines', 'polyline', 2, Infinity, false));
  }
}

export class CrowdLine extends MarkingElement {
  constructor() {
    super(shapeOf('lines', 'line', 2, 2, false));
  }
}
