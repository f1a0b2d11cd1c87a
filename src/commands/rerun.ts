import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { commandText } from '../../reports/index.ts';
import { resolveWorkload } from '../../workloads/index.ts';
import { UserError, type ExitCode } from '../core/errors.ts';
import { kebab } from '../core/option-names.ts';
import { commandOf, hiddenParts } from '../run/given-options.ts';
import type { RunPlan } from '../run/plan-run.ts';
import { PLAN_OPTIONS } from '../run/run-options.ts';
import { readManifest } from '../runs/read-manifest.ts';
import type { Imported, Manifest } from '../schema/manifest.ts';
import { isDisaggregated, parseTarget } from '../target/target-spec.ts';
import type { Command, Given } from './command.ts';
import { LISTED } from './listed.ts';
import { runArgument } from './run-argument.ts';
import { RERUN_OPTIONS } from './run-options.ts';
import { runAndReport } from './run.ts';
import { printWarning, tell } from './terminal.ts';

export const rerunCommand: Command = {
  ...LISTED.rerun,
  examples: [
    'reprise rerun runs/20261121T081500Z-chat-reference-vllm-v1',
    'reprise rerun runs/20261121T081500Z-chat-reference-vllm-v1 --target http://127.0.0.1:8000',
  ],
  positionals: {
    dir: { type: 'string', demandOption: true, describe: 'a run directory; its run.json has the options' },
    workload: { type: 'string', describe: 'another trace file or bundled sample [default: as the run was]' },
  },
  options: RERUN_OPTIONS,
  canLeaveOut: true,
  run: rerun,
};

async function rerun(_all: Given, { dir: given, ...others }: Given): Promise<ExitCode> {
  const dir = runArgument(String(given));
  const manifest = readManifest(dir);
  if (manifest.imported !== undefined) throw new UserError(`${dir}: ${whyNotAgain(manifest.imported)}`);
  const recorded = recordedOptions(dir, manifest, others);
  const options = Object.fromEntries(Object.entries({ ...recorded, ...others }).filter(([, value]) => value !== null));
  if (others['quiet'] !== true) tell(repeated(dir, manifest, options));
  return await runAndReport(options, (plan) => warnOfOtherPlan(plan, manifest, others));
}

/** What is repeated, and which of its options the other run does not have. */
function repeated(dir: string, { options }: Manifest, now: Given): string {
  const gone = Object.keys(options ?? {}).filter((name) => !(name in now) && name !== 'salt');
  const without = gone.length === 0 ? '' : `\nwithout its ${gone.map((name) => `--${name}`).join(', ')}`;
  return `repeats ${dir}: ${commandText(commandOf(options))}${without}`;
}

/** The options of a run for another one. Throws a UserError where they are not known, or hidden. */
function recordedOptions(dir: string, manifest: Manifest, others: Given): Given {
  const { options, command, prompts } = manifest;
  if (options === null) throw new UserError(`${dir}: ${withoutOptions(command)}`);
  const recorded: Record<string, unknown> = { ...options };
  for (const name of supersededBy(others, options)) delete recorded[name];
  const hidden = Object.entries(options).flatMap(([name, value]) =>
    name in recorded ? missingKeys(name, value, others[name]) : [],
  );
  if (hidden.length > 0)
    throw new UserError(
      `${dir}: run.json keeps no keys; give again, with the key in place of ***:\n${hidden.map((each) => `  ${each}`).join('\n')}`,
    );
  const workload = placeOf(recorded['workload'], manifest.workload.path);
  const tokenizer = placeOf(recorded['tokenizer'], prompts?.tokenizer ?? manifest.workload.tokenizer ?? '');
  return {
    ...recorded,
    ...(workload === undefined ? {} : { workload }),
    ...(tokenizer === undefined ? {} : { tokenizer }),
  };
}

/** The recorded options that another run does not have: those that are given in their place, or belong to what is. */
function supersededBy(others: Given, recorded: NonNullable<Manifest['options']>): string[] {
  const [target, clock] = ['target', 'clock'].map((name) => (name in others ? others : recorded)[name]);
  const isEngine = typeof target !== 'string' || target.startsWith('reference');
  const has = (name: string): boolean => name in others && others[name] !== null;
  return [
    // A new one, so that no prompt is in the server's cache.
    'salt',
    // Each scales time.
    ...(has('rate') ? ['speed'] : []),
    ...(has('speed') ? ['rate'] : []),
    ...(others['slo'] === null ? ['at'] : []),
    // The command starts the server that it names, and no other.
    ...(isSameServer(target, recorded['target']) ? [] : ['start', 'ready', 'start-timeout', 'probe']),
    ...(isByRole(target) ? [] : ['handover', ...(recorded['adapter'] === 'disaggregated' ? ['adapter'] : [])]),
    // The engine needs no key, and in virtual time there is no server to ask.
    ...(isEngine ? ['header', 'api-key-env'] : []),
    ...(clock === 'virtual' && recorded['tokenizer'] === 'server' ? ['tokenizer'] : []),
  ];
}

function isByRole(target: unknown): boolean {
  return typeof target === 'string' && isDisaggregated(parseTarget(target));
}

function isSameServer(target: unknown, recorded: unknown): boolean {
  const [one, other] = [target, recorded].map((given) =>
    typeof given === 'string' && URL.canParse(given) ? new URL(given).host : given,
  );
  return one === other;
}

/** The hidden parts of a recorded option that are not given again; of headers, each by its name. */
function missingKeys(name: string, recorded: NonNullable<Manifest['options']>[string], given: unknown): string[] {
  if (given === null) return [];
  if (given === undefined) return hiddenParts(name, recorded);
  if (!Array.isArray(given) || typeof recorded !== 'object') return [];
  const names = new Set(given.map(headerName));
  return recorded.filter((line) => !names.has(headerName(line))).flatMap((line) => hiddenParts(name, line));
}

const headerName = (line: unknown): string => String(line).replace(/:.*/s, '').trim().toLowerCase();

function whyNotAgain({ tool, file }: Imported): string {
  return `was imported from ${file}: ${tool} measured it, and its file does not say what would have to be sent; run the benchmark again with ${tool}, or replay a trace with reprise run`;
}

function withoutOptions(command: readonly string[]): string {
  return command.length === 0
    ? 'a program made this run, with a source or codec of its own; run the program again'
    : `an older Reprise made this run, and kept no options; run its command again: ${commandText(command)}`;
}

/** The file of a recorded option: as it was given, unless that is another file from this folder. */
function placeOf(given: unknown, path: string): unknown {
  if (typeof given !== 'string' || path === '' || !existsSync(path)) return given;
  return resolve(resolveWorkload(given)) === path ? given : path;
}

/** A rerun with the same requests in its options, but not in its plan, is another run than it seems. */
function warnOfOtherPlan({ stats }: RunPlan, { workload, plan_sha256 }: Manifest, others: Given): void {
  if (PLAN_OPTIONS.some((name) => kebab(name) in others)) return;
  if (stats.sourceSha256 !== workload.sha256)
    printWarning(`${workload.name}: the trace has changed since that run: other requests are sent`);
  else if (stats.digest !== plan_sha256)
    printWarning(`${workload.name}: the same trace now gives another plan, by another version of reprise`);
}
