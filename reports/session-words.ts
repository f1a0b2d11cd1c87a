import { formatMs, formatShare, threeFigures, withThousands } from '../src/core/units.ts';
import type { Summary } from '../src/schema/summary.ts';

/** What became of the sessions of a run, and what held them up; null where it has none. */
export function sessionsText({ sessions }: Pick<Summary, 'sessions'>): string | null {
  if (sessions === null) return null;
  const { scheduled, finished, failed, jobs_per_h, mean_duration_s, attainment, pushed_back_s, client_late_s } =
    sessions;
  const left = scheduled - finished - failed;
  return [
    `${withThousands(finished)} of ${withThousands(scheduled)} finished${failed === 0 ? '' : `, ${withThousands(failed)} failed`}${left === 0 ? '' : `, ${withThousands(left)} not over`}`,
    ...(jobs_per_h === null ? [] : [`${threeFigures(jobs_per_h)} jobs/h`]),
    ...(mean_duration_s === null ? [] : [`${formatMs(mean_duration_s * 1000)} long on average`]),
    ...(attainment === null ? [] : [`every turn met the SLO in ${formatShare(attainment)}`]),
    ...(pushed_back_s === null
      ? []
      : [
          `the last turn came ${formatMs(Math.abs(pushed_back_s) * 1000)} ${pushed_back_s < 0 ? 'sooner' : 'later'} than in the trace because of the answers before it${client_late_s === 0 ? '' : `, and ${formatMs(client_late_s * 1000)} late because of the client`}`,
        ]),
  ].join('; ');
}
