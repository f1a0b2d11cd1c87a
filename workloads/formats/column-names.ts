/** What a trace must tell of each request. */
export type Role = 'time' | 'input' | 'output';

const UNITS: Readonly<Record<string, RegExp>> = {
  s: /_s(?:ecs?|econds?)?$/,
  ms: /_m(?:s|secs?|illis|illiseconds?)$/,
  us: /_u(?:s|secs?)$|_micro(?:s|seconds?)$/,
  ns: /_ns$|_nano(?:s|seconds?)$/,
};
export type NamedUnit = 's' | 'ms' | 'us' | 'ns';

/** Names that programs give to the time at which a request came. */
const TIMES =
  /^(?:(?:arrival|arrived|start|started|created|creation|submitted|received|sent)(?:_(?:time|timestamp|at|date|ts))?|request_(?:time|timestamp|at|ts)|time_?stamp|time|date_?time|ts)$/;
/** Lengths that are surely tokens: `prompt_len` may be characters. */
const lengthNames = (words: string, others: string): RegExp =>
  new RegExp(`^(?:(?:n|num|total|usage|gen_ai_usage)_)?(?:${words})_tokens?(?:_(?:count|total))?$|^(?:${others})$`);
const INPUTS = lengthNames('input|prompt|context|request|prefill', 'input_length|isl');
const OUTPUTS = lengthNames('output|completion|generated|generation|response|decode', 'output_length|osl');

/** `startTime`, `Request tokens` -> `start_time`, `request_tokens`. */
export function normalName(name: string): string {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z\d]+/g, '_')
    .replaceAll(/^_|_$/g, '');
}

/** The unit in which a time's name says that it counts; null where it says none. */
export function namedUnit(name: string): NamedUnit | null {
  const normal = normalName(name);
  return (['s', 'ms', 'us', 'ns'] as const).find((unit) => UNITS[unit]?.test(normal)) ?? null;
}

function roleOf(name: string): Role | null {
  const normal = normalName(name);
  const unit = namedUnit(name);
  if (TIMES.test(unit === null ? normal : normal.replace(UNITS[unit] ?? '', ''))) return 'time';
  if (INPUTS.test(normal)) return 'input';
  return OUTPUTS.test(normal) ? 'output' : null;
}

/** The names that could be each role's. */
export function namesByRole(names: readonly string[]): Record<Role, string[]> {
  const named = (role: Role): string[] => names.filter((name) => roleOf(name) === role);
  return { time: named('time'), input: named('input'), output: named('output') };
}
