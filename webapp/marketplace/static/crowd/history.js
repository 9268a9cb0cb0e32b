// Snapshots to go back and forth between. The present is a frozen list; edits replace it.
const KEPT = 200;

export class History {
  constructor(present = []) {
    this.present = present;
    this.past = [];
    this.future = [];
  }

  /** Makes `next` the present. Steps of one `kind` in a row (a held arrow key) count as one. */
  commit(next, kind = '') {
    const continues = kind !== '' && kind === this.kind;
    if (!continues) this.past = [...this.past, this.present].slice(-KEPT);
    this.kind = kind;
    this.present = next;
    this.future = [];
  }

  undo() {
    return this.step(this.past, this.future);
  }

  redo() {
    return this.step(this.future, this.past);
  }

  step(from, to) {
    if (!from.length) return false;
    to.push(this.present);
    this.present = from.pop();
    this.kind = '';
    return true;
  }
}
