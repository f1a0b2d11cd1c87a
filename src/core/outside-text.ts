import { CUT, keyHider, type KeyHider } from './key-hider.ts';
import { headerKeys, HIDDEN } from './secrets.ts';
import { visibleLine } from './visible-text.ts';

/** What is secret in the requests to a server. */
export interface Secretive {
  readonly headers: Readonly<Record<string, string>>;
  /** Keys besides those in the headers: of the query, the body, and the server that is started. */
  readonly secrets?: readonly string[];
}

/**
 * The one way of a server's texts into memory: keys are hidden in whatever coding, before anything is cut; what a
 * terminal would obey is shown; and the length is bounded.
 */
export interface OutsideText {
  /** Such as a model, a version or a finish reason: 256 characters at most. */
  name(text: string): string;
  /** As a message or a record quotes it: one line of 300 characters at most, without its middle if it is longer. */
  quoted(text: string): string;
  /** A whole page, to be searched by its reader, who quotes none of it but by `quoted`. */
  page(text: string): string;
  /** Parsed JSON with each of its texts and keys as a name; what is nested deeper than 64 levels is null. */
  json(value: unknown): unknown;
}

const MAX_NAME = 256;
const MAX_QUOTED = 300;
const END_QUOTED = 120;
/** Longer than a part of a key is in any coding. */
const PART_OF_KEY = 600;
const MAX_DEPTH = 64;
/** Names that are known by how they were heard. */
const MOST_KNOWN = 4096;

/** Of each set of headers, since an access is copied with other members for nearly every request. */
const known = new WeakMap<object, { readonly secrets: readonly string[]; readonly texts: OutsideText }>();
const NONE: readonly string[] = [];

/** The way in for the texts of a server that is sent these headers and secrets. */
export function textsFrom({ headers, secrets = NONE }: Secretive): OutsideText {
  const before = known.get(headers);
  if (before?.secrets === secrets) return before.texts;
  const texts = outsideText([...headerKeys(headers), ...secrets]);
  known.set(headers, { secrets, texts });
  return texts;
}

/** The way in for texts that must not show these keys. */
function outsideText(keys: readonly string[]): OutsideText {
  const { hide, hideParts } = keyHider(keys);
  const heardName = (text: string): string => boundedName(visibleLine(hide(text)));
  // A page of metrics has the same labels thousands of times, and again every second.
  const names = new Map<string, string>();
  const name = (text: string): string => {
    if (text.length > MAX_NAME) return heardName(text);
    let heard = names.get(text);
    if (heard === undefined) {
      heard = heardName(text);
      if (names.size >= MOST_KNOWN) names.clear();
      names.set(text, heard);
    }
    return heard;
  };
  // Requests that fail mostly fail alike.
  let last = { text: '', quoted: '' };
  return {
    name,
    quoted: (text) => {
      if (text !== last.text) last = { text, quoted: quotedOf(text, hide, hideParts) };
      return last.quoted;
    },
    page: hide,
    json: (value) => withNames(value, name, 0),
  };
}

function withNames(value: unknown, name: (text: string) => string, depth: number): unknown {
  if (typeof value === 'string') return name(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((each) => withNames(each, name, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [name(key), withNames(each, name, depth + 1)]));
}

/** Whether a name is as the server has it: one that is changed cannot be sent back. */
export function isWholeName(name: string): boolean {
  return !name.includes(HIDDEN) && !/\\u[\da-f]{4}|\(\d+ characters\)$/.test(name);
}

function boundedName(text: string): string {
  if (text.length <= MAX_NAME) return text;
  const end = `... (${text.length} characters)`;
  return text.slice(0, MAX_NAME - end.length).toWellFormed() + end;
}

function quotedOf(text: string, hide: KeyHider['hide'], hideParts: KeyHider['hideParts']): string {
  const line = hide(text).replaceAll(/\s+/g, ' ').trim();
  // With so much beside what is quoted that no part of a key reaches into it unseen.
  return cutLine(visibleLine(hideParts(cutLine(line, PART_OF_KEY))));
}

/** The reason is at the start of most messages, and at the end of a traceback; `more`: so much more of each. */
function cutLine(line: string, more = 0): string {
  const [start, end] = [MAX_QUOTED - END_QUOTED - CUT.length + more, END_QUOTED + more];
  if (line.length <= start + CUT.length + end) return line;
  return (line.slice(0, start) + CUT + line.slice(-end)).toWellFormed();
}
