// A worker's unfinished answer, kept in this browser under the assignment's id.
const PREFIX = 'crowd-draft:';
const KEPT_DAYS = 7;

/** A draft for these frame parameters, or one that keeps nothing where there is no assignment. */
export function openDraft(parameters, now = Date.now()) {
  const storage = usableStorage();
  if (!storage || !parameters.assignmentId) return { read: () => null, write: () => {} };
  forgetOld(storage, now);
  const key = `${PREFIX}${parameters.assignmentId}:${parameters.workerId}:${parameters.hitId}`;
  return {
    read: () => readAnswer(storage, key),
    write: (answer) => {
      try {
        storage.setItem(key, JSON.stringify({ at: Date.now(), answer }));
      } catch (error) {
        // A full or forbidden storage costs the draft, never the answer itself.
        console.warn('The draft could not be kept:', error);
      }
    },
  };
}

function usableStorage() {
  try {
    return window.localStorage;
  } catch {
    return null; // a sandboxed frame without an origin has none
  }
}

function readAnswer(storage, key) {
  try {
    return JSON.parse(storage.getItem(key))?.answer ?? null;
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
