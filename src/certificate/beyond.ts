import { threeFigures, withThousands } from '../core/units.ts';
import { LOAD_AXES, type Certificate, type LoadAxis, type Polling } from '../schema/certificate.ts';
import { curveOf, loadOfWorker, type Load } from './load.ts';

export const AXIS_UNITS: Readonly<Record<LoadAxis, string>> = {
  tokens_per_s: 'tokens/s',
  requests_per_s: 'requests/s',
  streams: 'open streams',
};

/** What a load asks of a client beyond its certificate, a phrase an axis: `90,000 tokens/s (certified: 52,000)`. */
export function beyondCertificate(load: Load, certificate: Certificate, poll: Polling, workers = 1): string[] {
  const each = loadOfWorker(load, workers);
  return LOAD_AXES.flatMap((axis) => {
    const [asked, whole, limit] = [each[axis], load[axis], curveOf(certificate, axis, poll)?.limit];
    if (asked === null || whole === null || limit === undefined || asked <= limit.value) return [];
    const least = limit.at_least ? 'at least ' : '';
    const certified = limit.value === 0 ? 'none' : least + rounded(limit.value * workers);
    return [`${rounded(whole)} ${AXIS_UNITS[axis]} (certified: ${certified})`];
  });
}

function rounded(value: number): string {
  return value >= 100 ? withThousands(Math.round(value)) : threeFigures(value);
}
