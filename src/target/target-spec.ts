import { ADAPTERS } from '../../adapters/index.ts';
import { UserError } from '../core/errors.ts';
import type { Manifest } from '../schema/manifest.ts';
import { didYouMean } from '../core/did-you-mean.ts';
import { parseEngineSpec } from '../engine/index.ts';
import { checkEndpoint } from '../serving/detect.ts';
import type { RunSpec } from '../run/run-spec.ts';

/** Checks what can be checked of a target before anything else is done. */
export function checkTarget(spec: RunSpec): void {
  const system = referenceSystem(spec.target);
  if (system !== null) parseEngineSpec(system);
  else if (spec.clock === 'virtual')
    throw new UserError(
      `--clock virtual needs the reference engine, and ${spec.target} is a server in real time; use --target reference:...`,
    );
  else parseUrl(spec.target);
  if (system !== null && spec.start !== null)
    throw new UserError(
      `--start: ${spec.target} is started by reprise itself; leave it out, or name the server's URL with --target`,
    );
  if (typeof spec.start?.ready === 'string') parseUrl(spec.start.ready, '--ready');
  if (system === null && spec.traceIterations !== null)
    throw new UserError(
      `--trace-iterations: ${spec.target} does not tell its iterations, only the reference engine does; leave it out or use --target reference:...`,
    );
  if (spec.clock === 'virtual' && spec.tokenizer !== null)
    throw new UserError(
      '--tokenizer: --clock virtual makes no prompts, its requests are lengths and prefix blocks; leave one of them out',
    );
  if (spec.adapter === 'auto') return;
  const adapters = ['auto', ...Object.keys(ADAPTERS)];
  if (!adapters.includes(spec.adapter))
    throw new UserError(`--adapter: "${spec.adapter}" is not known${didYouMean(spec.adapter, adapters)}`);
  checkEndpoint(spec.adapter, spec.endpoint);
}

/** Short name of a target, for directory names and records: the system, or the host. */
export function targetName(target: string): string {
  const system = referenceSystem(target);
  if (system !== null) return `reference-${parseEngineSpec(system).system}`;
  return parseUrl(target).host.replaceAll(/[^\w.-]/g, '_');
}

/** What follows `reference:`; null for a URL. */
export function referenceSystem(target: string): string | null {
  const match = /^reference(?::(.*))?$/.exec(target);
  return match === null ? null : (match[1] ?? '');
}

/** The system and its options, for the manifest. */
export function engineFacts(system: string): Manifest['target']['facts'] {
  const spec = parseEngineSpec(system);
  return { system: spec.system, ...spec.options };
}

export function parseUrl(text: string, option = '--target'): URL {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
    throw new UserError(
      option === '--target'
        ? `--target: "${text}" is neither a URL (http://127.0.0.1:8000) nor reference[:SYSTEM[,key=value...]]`
        : `${option}: "${text}" is not a URL such as http://127.0.0.1:8000/health`,
    );
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    throw new UserError(
      `${option}: a URL with a password would end up in files and logs; pass it by --api-key-env or --header instead`,
    );
  if (option === '--target' && url.search !== '')
    throw new UserError(
      `${option}: ${url.origin}${url.pathname} cannot be asked with what follows its "?"; pass a key by --api-key-env or --header instead`,
    );
  return url;
}
