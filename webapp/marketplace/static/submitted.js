// Runs in the frame once a submission was answered: tells the worker's page around it.
(() => {
  const outcome = document.getElementById('outcome');
  if (!outcome || window.parent === window) return;
  const next = document.getElementById('next');
  window.parent.postMessage(
    {
      marketplace: outcome.dataset.outcome,
      next: next ? next.getAttribute('href') : '',
      message: outcome.querySelector('p').textContent,
    },
    window.location.origin,
  );
})();
