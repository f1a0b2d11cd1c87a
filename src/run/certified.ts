import { beyondCertificate } from '../certificate/beyond.ts';
import { clockErrorAt } from '../certificate/clock-error.ts';
import type { Load } from '../certificate/load.ts';
import { certificateProblem, storedCertificate } from '../certificate/stored.ts';
import type { Log } from '../core/log.ts';
import type { PlanStats } from '../core/plan.ts';
import { listText } from '../core/words.ts';
import { usualPath } from '../replay/transport.ts';
import type { Certificate } from '../schema/certificate.ts';
import type { ClientHealth, Manifest } from '../schema/manifest.ts';
import type { TargetConfig } from '../target/target-spec.ts';

/** From this share of a run on that was spent polling, the certificate is that of a client that polls. */
const POLLED_SHARE = 0.5;

/**
 * The certificate of this machine for runs against a target; null: there is none, or it would not hold: it was made
 * without TLS, and in virtual time no client is measured.
 */
export function certificateFor(target: Target): Certificate | null {
  return canBeCertified(target) ? storedCertificate(usualPath({ url: LOOPBACK })) : null;
}

/** Why the certificate that a run would have is not gone by, and what to do; null: there is none, or it is gone by. */
export function uncertified(target: Target): string | null {
  return canBeCertified(target) ? certificateProblem(usualPath({ url: LOOPBACK })) : null;
}

type Target = Pick<TargetConfig, 'spec' | 'clock'>;

function canBeCertified({ spec, clock }: Target): boolean {
  if (clock === 'virtual') return false;
  const urls = spec.kind === 'engine' ? [LOOPBACK] : spec.endpoints.map(({ url }) => new URL(url));
  return urls.every(({ protocol }) => protocol === 'http:');
}

const LOOPBACK = new URL('http://127.0.0.1');

/** What a plan asks of the client, as far as the trace tells: how many streams are open is up to the server. */
export function plannedLoad({ busiest }: Pick<PlanStats, 'busiest'>): Load {
  return {
    tokens_per_s: busiest?.tokensPerS ?? null,
    requests_per_s: busiest?.requestsPerS ?? null,
    streams: null,
  };
}

/** Says before a run what it asks beyond the certificate. */
export function warnBeyond(
  load: Load,
  certificate: Certificate,
  { isPolling, workers }: { readonly isPolling: boolean; readonly workers: number },
  log: Log,
): void {
  const beyond = beyondCertificate(load, certificate, isPolling ? 'on' : 'off', workers);
  if (beyond.length > 0)
    log.warn(
      `the plan asks for ${listText(beyond)} in its busiest time: this machine may time that with errors of more than ${certificate.limit_ms} ms; more workers (--workers), a lower rate (--rate, --speed) or another machine carry more (reprise calibrate)`,
    );
}

/** What a run keeps of the certificate, by what its client had to do; undefined where that is not known. */
export function certifiedRun(
  certificate: Certificate | null,
  client: ClientHealth | null,
  workers = 1,
): NonNullable<Manifest['certificate']> | undefined {
  const load = client?.busiest_second;
  if (certificate === null || client === null || load === undefined) return undefined;
  const poll = client.polling_s >= POLLED_SHARE * client.duration_s * workers ? 'on' : 'off';
  const { calibrated_at, limit_ms, max_tokens_per_s, max_requests_per_s, max_streams } = certificate;
  return {
    calibrated_at,
    limit_ms,
    max_tokens_per_s,
    max_requests_per_s,
    max_streams,
    poll,
    beyond: beyondCertificate(load, certificate, poll, workers),
    timestamp_error_us: clockErrorAt(certificate, load, poll, workers),
  };
}
