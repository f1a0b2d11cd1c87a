import { SLO_PROFILES } from '../slos/index.ts';
import { limitsText } from '../../reports/format.ts';
import { section } from './section.ts';

/** The published SLOs with names that `--slo` takes, as text or JSON. Ends in a newline. */
export function sloList(json: boolean): string {
  if (json) {
    const profiles = SLO_PROFILES.map(({ limits, ...profile }) => ({ ...profile, limits_ms: limits }));
    return `${JSON.stringify(profiles, null, 2)}\n`;
  }
  return section(
    'Published SLOs (--slo NAME)',
    SLO_PROFILES.map(({ name, limits, model, workload, source }) => [
      name,
      limitsText(limits),
      model,
      workload,
      source,
    ]),
  );
}
