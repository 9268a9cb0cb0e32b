// The look shared by all elements. light-dark() follows the page's own color-scheme: a page
// that never thought of dark mode stays light.
function sheet(text) {
  const made = new CSSStyleSheet();
  made.replaceSync(text);
  return made;
}

export const baseStyles = sheet(`
  :host {
    --paper: light-dark(#ffffff, #14181d);
    --raised: light-dark(#f5f7f9, #1c2229);
    --ink: light-dark(#18212b, #e8edf2);
    --muted: light-dark(#566270, #a3afbc);
    --line: light-dark(#d5dbe1, #36404b);
    --edge: light-dark(#7c8794, #75828f);
    --accent: light-dark(#0b5cad, #7ab8ff);
    --on-accent: light-dark(#ffffff, #08213d);
    --wash: light-dark(#e6f0fa, #1b2e43);
    --alarm: light-dark(#b3261e, #ff9d94);
    --alarm-wash: light-dark(#fdecea, #3a1d1b);
    --good: light-dark(#1b6e3c, #7fd6a0);
    --radius: 8px;
    box-sizing: border-box;
    color: var(--ink);
    font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  }
  :host([hidden]) { display: none !important; }
  *, *::before, *::after { box-sizing: border-box; }
  button, input, select, textarea { font: inherit; color: inherit; }
  :focus-visible, :host(:focus-visible) { outline: 3px solid var(--accent); outline-offset: 2px; }
  h2 { margin: 0; font-size: 1.15rem; line-height: 1.3; font-weight: 650; text-wrap: balance; }
  .quiet { color: var(--muted); font-size: .875rem; }
  .alarm {
    margin: .5rem 0; padding: .6rem .8rem; border-radius: var(--radius);
    background: var(--alarm-wash); color: var(--alarm); border-inline-start: 4px solid currentColor;
  }
  .push {
    display: inline-flex; align-items: center; justify-content: center; gap: .4rem;
    min-height: 2.5rem; padding: .35rem .8rem; border-radius: var(--radius);
    border: 1px solid var(--edge); background: var(--paper); cursor: pointer; line-height: 1.2;
  }
  .push:hover:not(:disabled) { background: var(--wash); border-color: var(--accent); }
  .push[aria-pressed="true"], .push[aria-checked="true"] {
    background: var(--wash); border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent);
  }
  .push:disabled { color: var(--muted); border-color: var(--line); cursor: default; }
  .push.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; }
  .push.primary:hover:not(:disabled) { background: color-mix(in oklab, var(--accent) 88%, var(--ink)); }
  .push.primary:disabled { background: var(--raised); border-color: var(--line); color: var(--muted); }
  .push.square { min-width: 2.5rem; padding: .35rem; }
  kbd {
    font: .75rem/1 ui-monospace, monospace; padding: .15rem .3rem; border: 1px solid var(--line);
    border-bottom-width: 2px; border-radius: 4px; background: var(--raised); color: var(--muted);
  }
  .swatch { inline-size: .85rem; block-size: .85rem; border-radius: 3px; flex: none; background: var(--swatch); border: 1px solid rgb(0 0 0 / .35); }
  .unseen { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  @media (prefers-reduced-motion: no-preference) {
    .push { transition: background-color .12s, border-color .12s; }
  }
`);

/** The shadow root of `element`, in the shared look plus `text` of its own. */
export function dressedRoot(element, text = '', options = {}) {
  const root = element.attachShadow({ mode: 'open', ...options });
  root.adoptedStyleSheets = text ? [baseStyles, sheet(text)] : [baseStyles];
  return root;
}

// Ten hues that stay apart from one another on photographs and for most colour-blind eyes.
const HUES = [
  '#ffb000', '#2f9bff', '#ff5fa2', '#28c76f', '#b88cff',
  '#ff7043', '#19d3da', '#d4e157', '#c98a5b', '#ffffff',
];

/** The colour of the n-th label. */
export function hue(index) {
  return HUES[((index % HUES.length) + HUES.length) % HUES.length];
}
