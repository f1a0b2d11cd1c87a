import { countsTexts } from '../../workloads/open-source.ts';
import { kebab } from '../core/option-names.ts';
import { listText } from '../core/words.ts';
import { fields } from './given-options.ts';
import { RUN_DEFAULTS, type PlacedOption } from './run-options.ts';
import type { RunSpec } from './run-spec.ts';

/** What a run has to have for an option to do anything. */
interface Need {
  /** `format`: of the trace. */
  readonly isMet: (spec: RunSpec, format: string) => boolean;
  /** Behind "do nothing". */
  readonly otherwise: string;
}

const isReal = ({ target }: RunSpec): boolean => target.clock === 'real';

const BODIES: Need = {
  isMet: isReal,
  otherwise: 'in virtual time: its requests are lengths and prefix blocks',
};
const CACHE: Need = { isMet: isReal, otherwise: 'in virtual time: the engine is new, and is never cold' };
const SERVER: Need = { isMet: isReal, otherwise: 'in virtual time: no server is called' };
const TEXTS: Need = {
  isMet: (spec, format) => isReal(spec) || countsTexts(format),
  otherwise: 'in virtual time with a trace that has lengths: its requests are no texts',
};
const REPLICAS: Need = {
  isMet: ({ target: { spec, clock } }) =>
    clock === 'real' &&
    spec.kind === 'server' &&
    spec.endpoints.some(({ role }, i) => spec.endpoints.findIndex((each) => each.role === role) < i),
  otherwise: 'without replicas (URL+URL)',
};
const TLS: Need = {
  isMet: ({ target: { spec, clock, start } }) =>
    clock === 'real' &&
    spec.kind === 'server' &&
    [...spec.endpoints.map(({ url }) => url), start?.ready ?? ''].some((url) => /^https:/i.test(url)),
  otherwise: 'without a server at https',
};
const START: Need = { isMet: ({ target }) => target.start !== null, otherwise: 'without a server to start (--start)' };

/**
 * The options of a run besides those that say which requests are due when, each with what it needs. Null: it always does
 * something, or is refused where it would not.
 */
export const NEEDS: Readonly<Record<PlacedOption, Need | null>> = {
  target: null,
  codec: SERVER,
  clock: null,
  adapter: SERVER,
  endpoint: SERVER,
  model: SERVER,
  tokenizer: TEXTS,
  ignoreEos: BODIES,
  stream: BODIES,
  temperature: BODIES,
  extraBody: BODIES,
  header: SERVER,
  apiKeyEnv: SERVER,
  insecure: TLS,
  connections: SERVER,
  poll: SERVER,
  router: REPLICAS,
  handover: null,
  start: null,
  ready: null,
  startTimeout: START,
  traceIterations: null,
  salt: BODIES,
  slo: null,
  at: null,
  warmup: null,
  cooldown: null,
  warmupRequests: CACHE,
  resetCache: CACHE,
  probe: null,
  timeout: null,
  ttftTimeout: null,
  maxInFlight: null,
  workers: null,
  out: null,
};

/**
 * A line for each reason why options that are set do nothing in any of the runs, which have the same options but for their
 * target; `format`: of their trace.
 */
export function unusedOptions(specs: readonly RunSpec[], format: string): string[] {
  const whys = new Map<string, string[]>();
  for (const [name, need] of Object.entries(NEEDS)) {
    if (need === null || !specs.some(({ set }) => set.has(name))) continue;
    if (specs.some((spec) => need.isMet(spec, format))) continue;
    whys.set(need.otherwise, [...(whys.get(need.otherwise) ?? []), optionText(name)]);
  }
  return [...whys].map(([why, names]) => `${listText(names)} ${names.length === 1 ? 'does' : 'do'} nothing ${why}`);
}

/** As the command line sets it. */
function optionText(name: string): string {
  return `--${fields(RUN_DEFAULTS)[name] === true ? 'no-' : ''}${kebab(name)}`;
}
