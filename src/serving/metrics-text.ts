import type { ServerSample } from '../schema/server-metrics.ts';

type Labels = Readonly<Record<string, string>>;

/**
 * Reads Prometheus' text format 0.0.4 as far as it is wanted: lines of other names, comments and timestamps are skipped.
 * `heard`: how names and values of labels are kept. `ours`: labels that are added to each sample, in place of the page's
 * own of such a name. Throws an Error that names the line if a wanted one is not of that format.
 */
export function parseMetrics(
  text: string,
  isWanted: (name: string) => boolean,
  heard: (label: string) => string,
  ours: Labels = {},
): ServerSample[] {
  const samples: ServerSample[] = [];
  let number = 0;
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    number++;
    end = text.indexOf('\n', start);
    if (end === -1) end = text.length;
    NAME.lastIndex = start;
    const name = NAME.exec(text)?.[1];
    if (name === undefined || !isWanted(name)) continue;
    const sample = readSample(name, text.slice(NAME.lastIndex, end), heard, ours);
    if (sample === null)
      throw new Error(`line ${number} is not a metric: ${text.slice(start, Math.min(end, start + 200))}`);
    samples.push(sample);
  }
  return samples;
}

const NAME = /[ \t]*([a-zA-Z_:][a-zA-Z0-9_:]*)/y;
const BRACE = /[ \t]*\{[ \t]*/y;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(?:,[ \t]*|(?=\}))/y;
/** A value, and perhaps a timestamp and (OpenMetrics) an exemplar. */
const VALUE = /[ \t]*(\S+)(?:[ \t]+-?[\d.]+)?[ \t]*(?:#.*)?\r?$/y;

/** The sample of a line, from what follows the name; null if it is not of the format. */
function readSample(name: string, rest: string, heard: (label: string) => string, ours: Labels): ServerSample | null {
  const labels: [string, string][] = [];
  let at = 0;
  BRACE.lastIndex = 0;
  if (BRACE.test(rest)) {
    at = BRACE.lastIndex;
    while (rest[at] !== '}') {
      LABEL.lastIndex = at;
      const found = LABEL.exec(rest);
      if (found === null) return null;
      const [, label = '', value = ''] = found;
      labels.push([heard(label), heard(value.includes('\\') ? unescaped(value) : value)]);
      at = LABEL.lastIndex;
    }
    at++;
  }
  VALUE.lastIndex = at;
  const value = numberOf(VALUE.exec(rest)?.[1] ?? '');
  if (value === null) return null;
  labels.push(...Object.entries(ours));
  labels.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return { name, labels: JSON.stringify(Object.fromEntries(labels)), value };
}

/** A backslash before any other character is only a backslash. */
function unescaped(value: string): string {
  return value.replaceAll(/\\([\\"n])/g, (_, escape: string) => (escape === 'n' ? '\n' : escape));
}

/** A number as Go writes it; null if it is none. */
function numberOf(word: string): number | null {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(word)) return Number(word);
  if (/^nan$/i.test(word)) return Number.NaN;
  const infinity = /^([+-]?)inf(?:inity)?$/i.exec(word);
  if (infinity === null) return null;
  return infinity[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
