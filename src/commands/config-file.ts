import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { Options } from 'yargs';
import { nearest } from '../core/did-you-mean.ts';
import { messageOf, UserError } from '../core/errors.ts';
import type { Command, Given } from './command.ts';
import { foundAt } from '../core/read-within.ts';

/** More than any options need: a trace that is named by mistake is not read to its end. */
const MAX_BYTES = 1_000_000;
/** Of a value that a message quotes. */
const MAX_SHOWN = 60;
const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'is a directory, expected a YAML or JSON file',
  EACCES: 'may not be read (permission denied)',
};
/** Options whose values may hold keys: no message shows them. */
const SECRETIVE: ReadonlySet<string> = new Set([
  'header',
  'api-key-env',
  'extra-body',
  'target',
  'ready',
  'start',
  'base',
  'base-start',
  'new',
  'new-start',
]);

/** The options of a config file, and the line of each. */
export interface Config {
  readonly file: string;
  readonly given: Given;
  readonly lines: ReadonlyMap<string, number>;
}

/**
 * Reads a YAML or JSON file with options by their names on the command line (`ttft-timeout: 30s`), for the options of a
 * command and its workload. Throws a UserError that names file, line, key and what was expected, before anything is done.
 */
export function readConfig(file: string, command: Command): Config {
  const counter = new LineCounter();
  const document = parse(file, readText(file), counter);
  const { contents } = document;
  const lineOf = (node: unknown): number => {
    const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    return counter.linePos(offset).line;
  };
  if (contents === null || (isScalar(contents) && contents.value === null))
    throw new UserError(`${file}: is empty, expected options, e.g. "slo: ttft=500ms,tpot=50ms"`);
  if (!isMap(contents))
    throw new UserError(
      `${file}:${lineOf(contents)}: expected options by their names, a line each, e.g. "slo: ttft=500ms,tpot=50ms"`,
    );
  visit(contents, (_, node) => {
    if (isAlias(node) || (isNode(node) && 'anchor' in node && node.anchor !== undefined))
      throw new UserError(`${file}:${lineOf(node)}: anchors and aliases are not read here; write the value itself`);
  });
  const known = configKeys(command);
  const given: Record<string, unknown> = {};
  const lines = new Map<string, number>();
  for (const { key, value } of contents.items) {
    const line = lineOf(key);
    const name = isScalar(key) ? String(key.value) : '';
    const option = Object.hasOwn(known, name) ? known[name] : undefined;
    if (option === undefined) throw new UserError(`${file}:${line}: ${unknownKey(name, command, known)}`);
    const read = isNode(value) ? valueOf(name, value, option, document) : { wrong: 'has no value; leave the line out' };
    if ('wrong' in read) {
      const isShown = isScalar(value) && value.value !== null && !SECRETIVE.has(name) && textOf(value).trim() !== '';
      const shown = isShown ? `got ${quoted(value)}, ` : '';
      throw new UserError(`${file}:${line}: ${name}: ${shown}${read.wrong}`);
    }
    given[name] = read.value;
    lines.set(name, line);
  }
  return { file, given, lines };
}

/** An error of an option, with file and line where the option comes from a config file rather than the command line. */
export function withConfigLine(error: UserError, { file, given, lines }: Config, commandLine: Given): UserError {
  // A message begins with the option that is wrong, or with its value, such as a file that is not there.
  const named = (text: string): string =>
    /^--(?:no-)?([\w-]+)/.exec(text)?.[1] ??
    Object.keys(given).find((name) => text.startsWith(`${String(given[name])}: `)) ??
    '';
  const message = error.message
    .split('\n')
    .map((text) => {
      const name = named(text);
      const line = lines.get(name);
      return line === undefined || Object.hasOwn(commandLine, name) ? text : `${file}:${line}: ${text}`;
    })
    .join('\n');
  return new UserError(message, { exitCode: error.exitCode, cause: error.cause });
}

/** What a config file may hold: the options of the command, but for the file itself, and the workload. */
function configKeys({ options, positionals }: Command): Readonly<Record<string, Options>> {
  const { workload } = positionals;
  return { ...(workload === undefined ? {} : { workload: { type: 'string' } }), ...options };
}

function unknownKey(name: string, { usage }: Command, known: Readonly<Record<string, Options>>): string {
  const bare = name.replace(/^-+/, '');
  const positive = bare.replace(/^no-/, '');
  if (bare !== positive && known[positive]?.type === 'boolean')
    return `unknown key "${name}"; write "${positive}: false"`;
  const near = nearest(bare, Object.keys(known));
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  return `unknown key "${short(name)}"${hint} ("reprise ${usage.split(' ')[0]} --help" lists them, written without --)`;
}

function readText(file: string): string {
  try {
    checkReadable(file);
    const handle = openSync(file, 'r');
    try {
      return readUpTo(handle, file);
    } finally {
      closeSync(handle);
    }
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    throw new UserError(`--config: ${file}: ${UNREADABLE[code] ?? messageOf(thrown)}`, { cause: thrown });
  }
}

/** A pipe that a shell gives (`--config <(command)`) has a writer; any other may never have one. */
function checkReadable(file: string): void {
  const found = foundAt(file);
  if (found?.isFIFO() === true && !/^\/(?:dev|proc\/\w+)\/(?:fd\/\d+|stdin)$/.test(resolve(file)))
    throw new UserError(`--config: ${file}: is a pipe, expected a YAML or JSON file`);
}

/** By parts, for a pipe (`--config <(command)`) has no size. */
function readUpTo(handle: number, file: string): string {
  const bytes = Buffer.alloc(MAX_BYTES + 1);
  let length = 0;
  for (;;) {
    const read = readSync(handle, bytes, length, bytes.length - length, null);
    if (read === 0) break;
    length += read;
    if (length > MAX_BYTES) throw new UserError(`--config: ${file}: over 1 MB, which no options need; is it a trace?`);
  }
  const text = bytes.subarray(0, length);
  if (text.includes(0) || !isUtf8(text))
    throw new UserError(`--config: ${file}: is binary, or not in UTF-8; expected YAML or JSON in UTF-8`);
  return text.toString();
}

function parse(file: string, text: string, lineCounter: LineCounter): Document.Parsed {
  try {
    const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error' });
    const [first] = [...document.errors, ...document.warnings];
    if (first === undefined) return document;
    throw new UserError(
      `${file}:${lineCounter.linePos(first.pos[0]).line}: ${syntaxMistake(first, text.slice(first.pos[0]))}`,
    );
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(`${file}: cannot be read as YAML or JSON: ${messageOf(thrown)}`, { cause: thrown });
  }
}

function syntaxMistake({ code, message }: { readonly code: string; readonly message: string }, at: string): string {
  if (code === 'DUPLICATE_KEY') return `${short(/^[^\s:]*/.exec(at)?.[0] ?? '')} is given twice`;
  if (code === 'MULTIPLE_DOCS') return 'a second document begins; write one';
  if (message.includes('call stack')) return 'brackets are nested by the thousand';
  if (code === 'TAB_AS_INDENT') return 'a tab indents this line; YAML takes spaces';
  const [, name, value] = /^([\w-]+):(\S.*)/.exec(at) ?? [];
  if (name !== undefined && value !== undefined)
    return `no blank after "${short(name)}:"; write "${short(name)}: VALUE"`;
  return `neither YAML nor JSON: ${message}`;
}

type Read = { readonly value: unknown } | { readonly wrong: string };

/** The value as the command line would give it. */
function valueOf(name: string, node: Node, { type, array }: Options, document: Document.Parsed): Read {
  if (array === true) return listOf(node);
  if (isMap(node) && name === 'extra-body') return bodyOf(node, document);
  if (!isScalar(node)) return { wrong: `expected one value, not a ${isSeq(node) ? 'list' : 'mapping'}` };
  if (node.value === null) return { wrong: 'has no value; give one, or leave the line out' };
  const text = textOf(node);
  if (text.trim() === '') return { wrong: 'is empty; give a value, or leave the line out' };
  if (type === 'boolean')
    return /^(true|false)$/i.test(text) ? { value: /^t/i.test(text) } : { wrong: 'expected true or false' };
  if (type !== 'number') return { value: text };
  const number = typeof node.value === 'number' ? node.value : Number(text);
  return Number.isFinite(number) ? { value: number } : { wrong: 'expected a number' };
}

/** A mapping as the JSON that is sent: YAML has numbers and keys that JSON cannot write, and would send others. */
function bodyOf(node: YAMLMap, document: Document.Parsed): Read {
  let wrong: string | null = null;
  visit(node, (_, each) => {
    if (isPair(each) && !isScalar(each.key)) wrong = 'has a key that is no text';
    if (isScalar(each) && typeof each.value === 'number' && !isExact(each.value, each.source ?? ''))
      wrong = `holds ${each.source}, which JSON has no number for; write it as a text, or leave it out`;
  });
  return wrong === null ? { value: JSON.stringify(node.toJS(document)) } : { wrong };
}

function isExact(number: number, source: string): boolean {
  return Number.isSafeInteger(number) || (Number.isFinite(number) && !/^[-+]?\d+$/.test(source));
}

/** A list, or one of its values. `- Key: value` without quotes is a mapping, and meant as the text. */
function listOf(node: Node): Read {
  const values = (isSeq(node) ? node.items : [node]).flatMap((item) =>
    isMap(item) ? item.items.map(({ key, value }) => pairText(key, value)) : [isScalar(item) ? textOf(item) : null],
  );
  const texts = values.filter((text) => text !== null && text !== '');
  return texts.length === values.length ? { value: texts } : { wrong: 'expected a text, or a list of texts' };
}

function pairText(key: unknown, value: unknown): string | null {
  return isScalar(key) && isScalar(value) && value.value !== null ? `${textOf(key)}: ${textOf(value)}` : null;
}

/** A scalar as it is written: `0123` and `1.0` stay what they are. */
function textOf({ value, source }: Scalar): string {
  return typeof value === 'string' ? value : (source ?? '');
}

function quoted(scalar: Scalar): string {
  return `"${short(textOf(scalar))}"`;
}

function short(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}...`;
}
