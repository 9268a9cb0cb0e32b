// A worker's unfinished answer, kept in this browser under the assignment's id. Browsers that
// give a frame of another site no storage have it kept by the worker's page around the frame.
const PREFIX = 'crowd-draft:';
const KEPT_DAYS = 7;
const PATIENCE_MS = 1000;

/** A draft for these frame parameters, or one that keeps nothing where there is no assignment. */
export function openDraft(parameters, now = Date.now()) {
  if (!parameters.assignmentId) return { read: async () => null, write: () => {} };
  const storage = usableStorage();
  if (!storage) return draftAround(parameters);
  forgetOld(storage, now);
  const key = `${PREFIX}${parameters.assignmentId}:${parameters.workerId}:${parameters.hitId}`;
  return {
    read: async () => parsed(storage.getItem(key)),
    write: (answer) => {
      try {
        storage.setItem(key, written(answer));
      } catch (error) {
        // A full storage costs the draft, never the answer itself.
        console.warn('The draft could not be kept:', error);
      }
    },
  };
}

/** A draft in the hands of the page around; on venues other than ours nobody answers. */
function draftAround({ turkSubmitTo }) {
  const tell = (message) => window.parent.postMessage(message, turkSubmitTo);
  if (window.parent === window || !URL.canParse(turkSubmitTo)) return { read: async () => null, write: () => {} };
  return {
    read: () =>
      new Promise((resolve) => {
        window.addEventListener('message', (event) => {
          if (event.source === window.parent && event.data?.marketplace === 'draft') resolve(parsed(event.data.draft));
        });
        window.setTimeout(resolve, PATIENCE_MS, null);
        tell({ marketplace: 'draft-asked' });
      }),
    write: (answer) => tell({ marketplace: 'draft-written', draft: written(answer) }),
  };
}

function usableStorage() {
  try {
    return window.localStorage;
  } catch {
    return null; // a frame without an origin, or of another site than the page around, may have none
  }
}

function written(answer) {
  return JSON.stringify({ at: Date.now(), answer });
}

function parsed(text) {
  try {
    return JSON.parse(text)?.answer ?? null;
  } catch {
    return null;
  }
}

function forgetOld(storage, now) {
  const keys = [];
  for (let index = 0; index < storage.length; index += 1) keys.push(storage.key(index));
  for (const key of keys.filter((name) => name.startsWith(PREFIX))) {
    let at = 0;
    try {
      at = JSON.parse(storage.getItem(key)).at;
    } catch {
      at = 0;
    }
    if (now - at > KEPT_DAYS * 24 * 3600 * 1000) storage.removeItem(key);
  }
}
