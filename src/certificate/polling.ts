import { POLLING, type Certificate } from '../schema/certificate.ts';
import { curveOf, pointFor, type Load } from './load.ts';

/** By how much polling has to lower the p99 of timestamp error or lateness to be worth a core. */
const WORTH_MS = 0.1;

/**
 * The rule of `--poll auto` on a machine with a certificate: the client polls while streams are open if that lowered the
 * p99 of the timestamp error or of the lateness by more than 0.1 ms at this load, and while a core is idle, which
 * `src/replay/busy-poll.ts` sees to; else it does not poll. Null: the certificate does not tell, and `auto` goes by the
 * kernel's readings alone, as without one.
 */
export function pollingPays(load: Load, certificate: Certificate | null): boolean | null {
  if (certificate === null) return null;
  const gains = (['tokens_per_s', 'requests_per_s'] as const).flatMap((axis) => {
    const asked = load[axis];
    const [off = null, on = null] = POLLING.map((poll) => {
      const curve = curveOf(certificate, axis, poll);
      return curve === null || curve.poll !== poll || asked === null ? null : pointFor(curve, asked);
    });
    if (off === null || on === null) return [];
    const errorMs = (off.timestamp_error_us.p99 - on.timestamp_error_us.p99) / 1000;
    return [errorMs, off.lateness_ms.p99 - on.lateness_ms.p99];
  });
  return gains.length === 0 ? null : gains.some((ms) => ms > WORTH_MS);
}
