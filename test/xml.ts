/** A small strict reader of XML 1.0: elements, attributes, texts and references, all that a JUnit file has. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Of this element alone, its references resolved. */
  readonly text: string;
}

const CHARACTER = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;
const NAME = /[A-Za-z_][\w.-]*/y;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The root element; throws where the text is not well-formed. */
export function readXml(xml: string): XmlElement {
  if (!CHARACTER.test(xml)) throw new Error('a character that XML cannot hold');
  const reader = new Reader(xml);
  reader.skip(/<\?xml [^?]*\?>\s*/y);
  const root = reader.element();
  reader.skip(/\s*/y);
  reader.end();
  return root;
}

class Reader {
  readonly #xml: string;
  #at = 0;

  constructor(xml: string) {
    this.#xml = xml;
  }

  element(): XmlElement {
    this.#expect('<');
    const name = this.#name();
    const attributes = this.#attributes();
    if (this.skip(/\s*\/>/y)) return { name, attributes, children: [], text: '' };
    this.skip(/\s*/y);
    this.#expect('>');
    const children: XmlElement[] = [];
    let text = '';
    while (!this.skip(/<\//y)) {
      if (this.#xml[this.#at] === '<') children.push(this.element());
      else text += this.#text();
    }
    if (this.#name() !== name) this.#fail(`another end than that of <${name}>`);
    this.skip(/\s*/y);
    this.#expect('>');
    return { name, attributes, children, text };
  }

  /** Whether the pattern, which is sticky, was there and is passed over. */
  skip(pattern: RegExp): boolean {
    return this.#take(pattern) !== null;
  }

  end(): void {
    if (this.#at < this.#xml.length) this.#fail('something behind the root');
  }

  #attributes(): Record<string, string> {
    const attributes: Record<string, string> = {};
    while (this.skip(/\s+(?=[A-Za-z_])/y)) {
      const name = this.#name();
      this.#expect('="');
      const value = this.#take(/[^<"]*/y) ?? '';
      if (/[\t\n\r]/.test(value)) this.#fail('a line end in an attribute, which a reader makes a blank');
      this.#expect('"');
      if (Object.hasOwn(attributes, name)) this.#fail(`attribute ${name} twice`);
      attributes[name] = this.#resolved(value);
    }
    return attributes;
  }

  #text(): string {
    const text = this.#take(/[^<]+/y);
    if (text === null) return this.#fail('the end of the text');
    if (text.includes(']]>')) this.#fail(']]> in a text');
    return this.#resolved(text.replaceAll(/\r\n?/g, '\n'));
  }

  #resolved(raw: string): string {
    return raw.replaceAll(/&([^;]*;)?/g, (_, reference: string | undefined) => {
      const name = reference?.slice(0, -1) ?? '';
      const code = /^#(\d+)$/.exec(name)?.[1];
      const character = code === undefined ? ENTITIES[name] : String.fromCodePoint(Number(code));
      if (character === undefined || !CHARACTER.test(character)) return this.#fail(`the reference &${name};`);
      return character;
    });
  }

  #name(): string {
    return this.#take(NAME) ?? this.#fail('no name');
  }

  #expect(text: string): void {
    if (!this.#xml.startsWith(text, this.#at)) this.#fail(`not ${text}`);
    this.#at += text.length;
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#xml)?.[0] ?? null;
    this.#at += found?.length ?? 0;
    return found;
  }

  #fail(what: string): never {
    throw new Error(`${what} at ${this.#at}: ${this.#xml.slice(this.#at, this.#at + 60)}`);
  }
}
