// Attribute text as authors write it: JSON, but also single quotes, bare keys and words,
// trailing commas. A reader of its own, because attribute text is data and never code.

/** The value written in `text`; throws a SyntaxError that says where it stopped. */
export function parseLenient(text) {
  const reader = new Reader(text);
  const value = reader.value();
  reader.skipSpace();
  if (reader.at < text.length) reader.fail('the end');
  return value;
}

const ESCAPES = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };
const WORDS = new Map([['true', true], ['false', false], ['null', null]]);

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  fail(expected) {
    const found = this.text.slice(this.at, this.at + 12) || 'the end';
    throw new SyntaxError(`expected ${expected} at character ${this.at + 1}, found ${found}`);
  }

  skipSpace() {
    while (/\s/.test(this.text[this.at] || '')) this.at += 1;
  }

  take(character) {
    this.skipSpace();
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  value() {
    this.skipSpace();
    if (this.take('[')) return this.list();
    if (this.take('{')) return this.object();
    const first = this.text[this.at];
    if (first === '"' || first === "'") return this.quoted();
    return this.bare();
  }

  list() {
    const items = [];
    while (!this.take(']')) {
      items.push(this.value());
      if (!this.take(',') && !this.peek(']')) this.fail('"," or "]"');
    }
    return items;
  }

  object() {
    const entries = [];
    while (!this.take('}')) {
      const key = this.value();
      if (!this.take(':')) this.fail('":"');
      entries.push([String(key), this.value()]);
      if (!this.take(',') && !this.peek('}')) this.fail('"," or "}"');
    }
    return Object.fromEntries(entries);
  }

  peek(character) {
    this.skipSpace();
    return this.text[this.at] === character;
  }

  quoted() {
    const quote = this.text[this.at];
    let value = '';
    for (this.at += 1; this.text[this.at] !== quote; this.at += 1) {
      if (this.at >= this.text.length) this.fail(`a closing ${quote}`);
      value += this.text[this.at] === '\\' ? this.escape() : this.text[this.at];
    }
    this.at += 1;
    return value;
  }

  escape() {
    this.at += 1;
    const mark = this.text[this.at];
    if (mark !== 'u') return ESCAPES[mark] ?? mark ?? '';
    const code = this.text.slice(this.at + 1, this.at + 5);
    if (!/^[0-9a-f]{4}$/i.test(code)) this.fail('four hexadecimal digits');
    this.at += 4;
    return String.fromCharCode(parseInt(code, 16));
  }

  bare() {
    const word = /^[^\s,:[\]{}"'][^,:[\]{}"']*/.exec(this.text.slice(this.at));
    if (!word) this.fail('a value');
    this.at += word[0].length;
    const plain = word[0].trim();
    if (WORDS.has(plain)) return WORDS.get(plain);
    return /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : plain;
  }
}

/** The list in an attribute: absent gives [], unreadable gives an Error for the page. */
export function listAttribute(element, name) {
  const text = element.getAttribute(name);
  if (text === null || !text.trim()) return [];
  let value;
  try {
    value = parseLenient(text);
  } catch (error) {
    throw new SyntaxError(`${element.localName}: the attribute "${name}" is not a list: ${error.message}`);
  }
  if (!Array.isArray(value)) throw new SyntaxError(`${element.localName}: the attribute "${name}" should be a list like ['Cat', 'Dog']`);
  return value;
}
