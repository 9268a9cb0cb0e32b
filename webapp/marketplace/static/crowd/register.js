// Defines every element once, then tells the page: requesters' scripts wait for this event.
import { CrowdButton } from './button.js';
import { CrowdCheckbox, CrowdToggleButton } from './checkbox.js';
import { CrowdRadioButton, CrowdRadioGroup } from './radio.js';
import { CrowdInput, CrowdTextArea } from './text.js';
import { CrowdSlider } from './slider.js';
import { CrowdInstructions } from './instructions.js';
import { CrowdBoundingBox } from './bounding_box.js';
import { CrowdClassifier, CrowdImageClassifier } from './classifier.js';
import { CrowdClassifierMultiSelect, CrowdImageClassifierMultiSelect } from './classifier.js';
import { CrowdLine, CrowdPolygon, CrowdPolyline } from './polygon.js';
import { CrowdKeypoint } from './keypoint.js';
import { CrowdForm } from './form.js';

// The form comes last: when it starts, the fields inside it are already alive.
const elements = {
  'crowd-button': CrowdButton,
  'crowd-checkbox': CrowdCheckbox,
  'crowd-toggle-button': CrowdToggleButton,
  'crowd-radio-button': CrowdRadioButton,
  'crowd-radio-group': CrowdRadioGroup,
  'crowd-input': CrowdInput,
  'crowd-text-area': CrowdTextArea,
  'crowd-slider': CrowdSlider,
  'crowd-instructions': CrowdInstructions,
  'crowd-bounding-box': CrowdBoundingBox,
  'crowd-classifier': CrowdClassifier,
  'crowd-image-classifier': CrowdImageClassifier,
  'crowd-classifier-multi-select': CrowdClassifierMultiSelect,
  'crowd-image-classifier-multi-select': CrowdImageClassifierMultiSelect,
  'crowd-polygon': CrowdPolygon,
  'crowd-polyline': CrowdPolyline,
  'crowd-line': CrowdLine,
  'crowd-keypoint': CrowdKeypoint,
  'crowd-form': CrowdForm,
};

function start() {
  for (const [name, element] of Object.entries(elements)) {
    if (!customElements.get(name)) customElements.define(name, element);
  }
  document.dispatchEvent(new CustomEvent('all-crowd-elements-ready'));
}

// The children of a custom element exist only once the parser is through.
if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
else start();
