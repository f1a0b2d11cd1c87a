import { GatheredBytes } from '../core/gathered-bytes.ts';

const [CR, LF, SEMICOLON] = [13, 10, 59];
const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: [\t -~\x80-\xff]*)?$/;
const VERSION = Buffer.from('HTTP/1.');
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const HEADER_VALUE = /^[\t -~\x80-\xff]*$/;
/** Of a status line and its headers, as Node has it, and of the trailers; in bytes. */
const MAX_HEAD_BYTES = 16 * 1024;
/** Of the line before a chunk, with its extensions. */
const MAX_CHUNK_LINE_BYTES = 4096;
/** Digits of a chunk's length, and of that of a body, behind the zeros in front: some servers write a fixed width. */
const MAX_CHUNK_DIGITS = 12;
const BODY_LENGTH = /^0*\d{1,15}$/;

/** Bytes that are no HTTP/1.1 response: which, and why. */
export class MalformedResponse extends Error {
  override readonly name = 'MalformedResponse';

  constructor(what: string) {
    super(`Response does not match the HTTP/1.1 protocol (${what})`);
  }
}

/** By their names in lower case; several of one name are joined by commas. */
export type ResponseHeaders = Readonly<Record<string, string>>;

/** Receives the parts of a response. */
export interface ResponseEvents {
  /** Once, and before it for each informational response (1xx). */
  onHead(status: number, headers: ResponseHeaders): void;
  /** `[from, to)` of the buffer being read, which is only lent. */
  onBody(bytes: Buffer, from: number, to: number): void;
  onEnd(): void;
}

/** What is read next. */
type State = 'status' | 'headers' | 'chunk-line' | 'chunk' | 'chunk-end' | 'trailers' | 'body' | 'until-close' | 'over';

/**
 * One HTTP/1.1 response after another out of bytes cut anywhere (RFC 9112): status line, headers, a body by chunks, by
 * its length or until the connection closes, trailers. No I/O. As strict as the parser of Node: lines end by CR LF, names
 * and values are checked, and a response that states its length twice is none. Throws a MalformedResponse.
 */
export class ResponseReader {
  readonly #events: ResponseEvents;
  #state: State = 'over';
  /** An unfinished line at the end of the bytes so far; null: there is none, which is nearly always so. */
  #rest: GatheredBytes | null = null;
  #headBytes = 0;
  #version = 1;
  #status = 0;
  #headers: Record<string, string> = {};
  /** Bytes of the body, or of its chunk, that are still to come. */
  #left = 0;
  #isKeptAlive = false;

  constructor(events: ResponseEvents) {
    this.#events = events;
  }

  /** Whether the connection can be used again after this response. */
  get isKeptAlive(): boolean {
    return this.#isKeptAlive;
  }

  /** A response is to come. */
  begin(): void {
    this.#rest = null;
    this.#newHead();
  }

  /** Nothing more is read of this response. */
  stop(): void {
    this.#state = 'over';
  }

  /** Reads `[from, to)`. Returns the position behind the last byte of the response: below `to` where others follow it. */
  read(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to && this.#state !== 'over') {
      if (this.#state === 'chunk' || this.#state === 'body') at = this.#takeBody(bytes, at, to);
      else if (this.#state === 'until-close') {
        this.#events.onBody(bytes, at, to);
        at = to;
      } else at = this.#readLine(bytes, at, to);
    }
    return at;
  }

  /** The connection has ended. Returns whether that ended the response; false where it broke off. */
  end(): boolean {
    if (this.#state !== 'until-close') return false;
    this.#over();
    return true;
  }

  #takeBody(bytes: Buffer, from: number, to: number): number {
    const end = Math.min(to, from + this.#left);
    this.#left -= end - from;
    const isChunk = this.#state === 'chunk';
    if (this.#left === 0) this.#state = isChunk ? 'chunk-end' : 'body';
    this.#events.onBody(bytes, from, end);
    if (this.#left === 0 && this.#state === 'body') this.#over();
    return end;
  }

  /** Reads a line that ends in these bytes, or keeps what there is of it. */
  #readLine(bytes: Buffer, from: number, to: number): number {
    if (this.#rest === null) {
      const start = this.#state === 'status' ? this.#skipLineEnds(bytes, from, to) : from;
      if (start > from) return start;
      const behind = this.#state === 'chunk-end' ? this.#readChunkEnd(bytes, from, to) : from;
      if (behind === to) return to;
      const lined = this.#state === 'chunk-line' ? this.#readChunkLine(bytes, behind, to) : behind;
      if (lined > from) return lined;
    }
    const left = bytes.subarray(from, to);
    const length = left.indexOf(LF) + 1;
    this.#checkBounds(length === 0 ? left.length : length);
    if (length === 0) {
      this.#rest ??= new GatheredBytes();
      this.#rest.push(left);
      if (this.#state === 'status') checkVersion(this.#rest);
      return to;
    }
    const piece = left.subarray(0, length);
    const line = this.#rest === null ? piece : this.#rest.take(piece);
    this.#rest = null;
    if (line[line.length - 2] !== CR) throw new MalformedResponse('a line ends without CR');
    this.#line(line.toString('latin1', 0, line.length - 2));
    return from + length;
  }

  /** Line ends before a status line: some servers write one more than belongs behind the body before. */
  #skipLineEnds(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to && (bytes[at] === CR || bytes[at] === LF)) at++;
    this.#checkBounds(at - from);
    return at;
  }

  /** The CR LF behind a chunk, where both are there. */
  #readChunkEnd(bytes: Buffer, from: number, to: number): number {
    if (to - from < 2 || bytes[from] !== CR || bytes[from + 1] !== LF) return from;
    this.#state = 'chunk-line';
    return from + 2;
  }

  /** The line before a chunk, where it is whole, and has a length above 0 and nothing else. */
  #readChunkLine(bytes: Buffer, from: number, to: number): number {
    let at = from;
    let length = 0;
    for (let digit; at < to && (digit = hexDigit(bytes[at] ?? 0)) >= 0; at++) length = length * 16 + digit;
    const isPlain = at > from && at - from <= MAX_CHUNK_DIGITS && length > 0;
    if (!isPlain || at + 1 >= to || bytes[at] !== CR || bytes[at + 1] !== LF) return from;
    this.#state = 'chunk';
    this.#left = length;
    return at + 2;
  }

  #checkBounds(more: number): void {
    const isHead = this.#state === 'status' || this.#state === 'headers' || this.#state === 'trailers';
    if (isHead) this.#headBytes += more;
    if (isHead ? this.#headBytes > MAX_HEAD_BYTES : (this.#rest?.length ?? 0) + more > MAX_CHUNK_LINE_BYTES)
      throw new MalformedResponse(isHead ? `headers of more than ${MAX_HEAD_BYTES} bytes` : 'a chunk line without end');
  }

  #line(line: string): void {
    switch (this.#state) {
      case 'status':
        this.#statusLine(line);
        break;
      case 'headers':
        if (line === '') this.#endOfHead();
        else this.#header(line);
        break;
      case 'chunk-end':
        if (line !== '') throw new MalformedResponse('a chunk is longer than it says');
        this.#state = 'chunk-line';
        break;
      case 'chunk-line':
        this.#chunkLine(line);
        break;
      default:
        if (line === '') this.#over();
        else splitHeader(line);
    }
  }

  #statusLine(line: string): void {
    const [, version = '', status = ''] = STATUS_LINE.exec(line) ?? [];
    if (status === '') throw new MalformedResponse('its first line is no status line');
    this.#version = Number(version);
    this.#status = Number(status);
    this.#state = 'headers';
  }

  #header(line: string): void {
    const [name, value] = splitHeader(line);
    const before = this.#headers[name];
    if (before !== undefined && name === 'content-length') throw new MalformedResponse('it states its length twice');
    this.#headers[name] = before === undefined ? value : `${before},${value}`;
  }

  #endOfHead(): void {
    const status = this.#status;
    const headers = this.#headers;
    if (status === 101) throw new MalformedResponse('it changes the protocol, which was not asked for');
    if (status < 200) {
      this.#events.onHead(status, headers);
      if (this.#state !== 'over') this.#newHead();
      return;
    }
    const connection = tokensOf(headers['connection']);
    this.#isKeptAlive = this.#version === 1 ? !connection.includes('close') : connection.includes('keep-alive');
    this.#state = this.#framing(headers);
    this.#events.onHead(status, headers);
    if (this.#state === 'body' && this.#left === 0) this.#over();
  }

  /** How the body ends. */
  #framing(headers: ResponseHeaders): 'chunk-line' | 'body' | 'until-close' {
    const codings = tokensOf(headers['transfer-encoding']);
    const length = headers['content-length'];
    if (codings.length > 0 && length !== undefined) throw new MalformedResponse('it has a length and chunks');
    if (length !== undefined && !BODY_LENGTH.test(length)) throw new MalformedResponse('its length is no number');
    this.#left = length === undefined ? 0 : Number(length);
    if (this.#status === 204 || this.#status === 304) {
      if (this.#left > 0 || codings.length > 0) this.#isKeptAlive = false;
      this.#left = 0;
      return 'body';
    }
    if (length !== undefined) return 'body';
    if (codings.at(-1) === 'chunked') return 'chunk-line';
    if (codings.includes('chunked')) throw new MalformedResponse('chunks are not its last transfer encoding');
    this.#isKeptAlive = false;
    return 'until-close';
  }

  #chunkLine(line: string): void {
    let at = 0;
    let digits = 0;
    let length = 0;
    for (let digit; (digit = hexDigit(line.charCodeAt(at))) >= 0; at++) {
      length = length * 16 + digit;
      if (length > 0) digits++;
    }
    const next = line.charCodeAt(at);
    const isNumber = at > 0 && digits <= MAX_CHUNK_DIGITS;
    if (!isNumber || !(at === line.length || next === SEMICOLON))
      throw new MalformedResponse('a chunk does not begin with its length');
    if (!HEADER_VALUE.test(line)) throw new MalformedResponse('a chunk line with a character that may not be in it');
    this.#left = length;
    this.#state = length === 0 ? 'trailers' : 'chunk';
    this.#headBytes = 0;
  }

  #newHead(): void {
    this.#state = 'status';
    this.#headBytes = 0;
    this.#headers = {};
    this.#isKeptAlive = false;
  }

  #over(): void {
    this.#state = 'over';
    this.#events.onEnd();
  }
}

function splitHeader(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  if (!HEADER_NAME.test(name)) throw new MalformedResponse('a header without a name');
  const value = line.slice(colon + 1).trim();
  if (!HEADER_VALUE.test(value)) throw new MalformedResponse('a header with a character that may not be in it');
  return [name.toLowerCase(), value];
}

function tokensOf(list = ''): readonly string[] {
  return list
    .toLowerCase()
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
}

/** What is there of the first line may only be the beginning of one: other protocols do not always end their lines. */
function checkVersion(rest: GatheredBytes): void {
  const start = rest.take();
  const length = Math.min(start.length, VERSION.length);
  if (start.compare(VERSION, 0, length, 0, length) !== 0)
    throw new MalformedResponse('its first line is no status line');
  rest.push(start);
}

/** -1: not one. */
function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
