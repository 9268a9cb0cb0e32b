// <crowd-keypoint name src labels header initial-value>.
import { MarkingElement } from './markings.js';

const KEYPOINT = {
  field: 'keypoints',
  noun: 'keypoint',
  least: 1,
  most: 1,
  closed: false,
  read: ({ x, y }) => [{ x: Number(x), y: Number(y) }],
  write: ({ label, points: [{ x, y }] }) => ({ label, x: Math.round(x), y: Math.round(y) }),
};

export class CrowdKeypoint extends MarkingElement {
  constructor() {
    super(KEYPOINT);
  }
}
