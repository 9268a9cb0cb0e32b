// The one address a page loads. A classic script, because that is how templates load it
// (no type="module"); it brings the elements in as modules from beside itself.
(() => {
  const base = document.currentScript ? document.currentScript.src : location.href;
  import(new URL('register.js', base)).catch((error) => {
    console.error('The crowd elements could not be loaded:', error);
  });
})();
