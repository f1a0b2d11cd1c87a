import { z } from 'zod';
import { messageOf, UserError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Plan } from '../core/plan.ts';
import { MOST_JSON_BYTES, readTextWithin } from '../core/read-within.ts';
import { serverAddress } from '../core/server-address.ts';
import { formatMs } from '../core/units.ts';
import type { Manifest } from '../schema/manifest.ts';
import { probeSchema, type ProbeReport } from '../schema/probe.ts';
import type { TargetSpec } from '../target/target-spec.ts';

/** What `reprise probe --out` wrote of the target of a run. */
export interface ProbeFile {
  readonly file: string;
  readonly report: ProbeReport;
}

const HOW = 'reprise probe URL --out FILE makes one';

/** Reads a probe. Throws a UserError if it is no probe, or one of none of the target's servers. */
export function readProbe(file: string, target: TargetSpec): ProbeFile {
  const report = parsedProbe(file);
  if (target.kind === 'engine')
    throw new UserError(
      `--probe ${file}: is of ${report.target}, and --target ${target.text} starts its own; leave it out`,
    );
  const probed = serverAddress(report.url);
  if (!target.endpoints.some(({ url }) => serverAddress(url) === probed))
    throw new UserError(
      `--probe ${file}: is of ${report.target}, and --target is ${target.text}; name a probe of that (${HOW}), or leave it out`,
    );
  return { file, report };
}

function parsedProbe(file: string): ProbeReport {
  let json: unknown;
  try {
    json = JSON.parse(readTextWithin(file, MOST_JSON_BYTES));
  } catch (thrown) {
    if (thrown instanceof UserError) throw new UserError(`--probe ${thrown.message}`, { cause: thrown });
    const isThere = thrown instanceof SyntaxError;
    throw new UserError(
      `--probe ${file}: ${isThere ? 'damaged, or no probe' : 'cannot be read'}: ${messageOf(thrown)}; ${HOW}`,
      { cause: thrown },
    );
  }
  const parsed = probeSchema.safeParse(json);
  if (parsed.success && URL.canParse(parsed.data.url)) return parsed.data;
  const why = parsed.success ? `url is ${parsed.data.url}` : z.prettifyError(parsed.error);
  throw new UserError(`--probe ${file}: not a probe of this version of Reprise; ${HOW}:\n${why}`);
}

/** What a run keeps of its probe; `model`: the one that it asks for. */
export function describeProbe(
  { file, report }: ProbeFile,
  plan: Pick<Plan, 'stats'>,
  model: string | null,
): NonNullable<Manifest['probe']> {
  const isOfWorkload = report.workload?.plan_sha256 === plan.stats.digest;
  const others =
    model === null || model === report.server.model
      ? []
      : [`it asked for the model ${report.server.model}, and this run for ${model}`];
  const told = report.warnings.filter(({ of }) => of === 'server' || isOfWorkload).map(({ text }) => text);
  return { file, probed_at: report.probed_at, warnings: [...told, ...others] };
}

/** Says how old a probe is, and what it warned of. */
export function tellProbe(
  { file, probed_at, warnings }: NonNullable<Manifest['probe']>,
  nowIso: string,
  log: Log,
): void {
  const ageMs = Date.parse(nowIso) - Date.parse(probed_at);
  const age = ageMs >= 0 ? `${formatMs(ageMs)} before this run` : 'after this run, by its clock';
  log.info(`--probe ${file}: made ${age}${warnings.length === 0 ? ', without a warning' : ''}`);
  for (const text of warnings) log.warn(`by the probe: ${text}`);
}
