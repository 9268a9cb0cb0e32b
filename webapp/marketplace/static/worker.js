// The worker's page around a HIT: time left, the frame's height, going on after a submission.
(() => {
  const timer = document.getElementById('timer');
  const frame = document.getElementById('hit-frame');
  const message = document.getElementById('frame-message');
  const task = document.querySelector('.taskbar[data-assignment-id]');
  const MOST_DRAFT = 1_000_000;

  function asText(seconds) {
    const left = Math.max(0, Math.floor(seconds));
    const parts = [Math.floor(left / 3600), Math.floor((left % 3600) / 60), left % 60];
    return parts.map((part) => String(part).padStart(2, '0')).join(':');
  }

  function say(text) {
    if (!message) return;
    message.textContent = text;
    message.hidden = false;
  }

  function runTimer() {
    const end = performance.now() + Number(timer.dataset.seconds) * 1000;
    let warned = false;
    function tick() {
      const left = (end - performance.now()) / 1000;
      timer.textContent = asText(left);
      if (left <= 60 && !warned) {
        warned = true;
        timer.classList.add('urgent');
        say('Less than a minute is left for this HIT.');
      }
      if (left <= 0) say('The time for this HIT is over. It goes back to the list.');
      else window.setTimeout(tick, 1000);
    }
    tick();
  }

  function fitFrame() {
    const wanted = Number(frame.dataset.height);
    if (wanted > 0) frame.style.height = `${Math.max(wanted, 240)}px`;
  }

  /** Keep the unfinished answer of a frame that has no storage of its own, until this tab closes. */
  function keepDraft({ origin, data }) {
    const key = `draft:${task.dataset.assignmentId}`;
    if (data.marketplace === 'draft-asked') {
      const draft = window.sessionStorage.getItem(key);
      frame.contentWindow.postMessage({ marketplace: 'draft', draft }, origin);
    } else if (typeof data.draft === 'string' && data.draft.length <= MOST_DRAFT) {
      window.sessionStorage.setItem(key, data.draft);
    }
  }

  function hear(event) {
    if (!frame || event.source !== frame.contentWindow) return;
    if (task && /^draft-(asked|written)$/.test(event.data?.marketplace)) keepDraft(event);
    if (event.origin !== window.location.origin) return;
    if (event.data?.marketplace === 'submitted' && /^\/[^/\\]/.test(event.data.next)) {
      window.location.assign(event.data.next);
    } else if (event.data?.marketplace === 'declined') {
      say(event.data.message);
    }
  }

  function saveSwitchAtOnce(form) {
    const box = form.querySelector('input[type=checkbox]');
    const button = form.querySelector('button');
    button.hidden = true;
    box.addEventListener('change', async () => {
      const answer = await fetch(form.action, {
        method: 'POST',
        body: new URLSearchParams(new FormData(form)),
        redirect: 'manual',
      }).catch(() => null);
      if (!answer) {
        say('The network is away; the switch was not saved.');
        button.hidden = false;
      }
    });
  }

  if (timer) runTimer();
  if (frame) fitFrame();
  const form = document.getElementById('accept-next');
  if (form) saveSwitchAtOnce(form);
  window.addEventListener('message', hear);
  window.addEventListener('offline', () => say('The network is away. Wait with submitting until it is back.'));
  window.addEventListener('online', () => say('The network is back.'));
})();
