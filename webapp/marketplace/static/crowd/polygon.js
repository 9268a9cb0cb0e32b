export class CrowdPolygon extends HTMLElement {}
export class CrowdPolyline extends HTMLElement {}
export class CrowdLine extends HTMLElement {}
