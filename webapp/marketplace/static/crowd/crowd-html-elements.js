// The one address a page loads. A classic script, because that is how templates load it
// (no type="module"); it brings the elements in as modules from beside itself.
(() => {
  const base = document.currentScript ? document.currentScript.src : location.href;
  // A form nested in a crowd-form must not leave the page while the elements are on their way.
  document.addEventListener('submit', (event) => {
    if (!customElements.get('crowd-form') && event.target.closest('crowd-form')) event.preventDefault();
  }, true);
  import(new URL('register.js', base)).catch((error) => {
    console.error('The crowd elements could not be loaded:', error);
  });
})();
