import { formatMs, formatShare, threeFigures, withThousands } from '../core/units.ts';
import { countText, listText } from '../core/words.ts';
import { failedByOutcome, judgedRequests, stoppedByOutcome } from './stopped.ts';
import type { Manifest } from '../schema/manifest.ts';
import { WARNING_CODES, type Summary, type Warning, type WarningCode } from '../schema/summary.ts';

/** From this share of the requests on, what was delivered is another load than what was asked for. */
const TELLING_SHARE = 0.01;
/** How far the mean prompt may be from the planned one where its length is only approximate. */
const APPROXIMATE_INPUT = 0.1;
/** How far the rate may be from the one that was asked for; with fewer requests one late one decides. */
const RATE_TOLERANCE = 0.05;
const MIN_REQUESTS_OF_A_RATE = 20;

/**
 * What a warning does to a verdict. `flatters`: the load or the figures were easier than they claim, so that a pass
 * proves nothing; `voids`: neither a pass nor a miss does.
 */
const EFFECTS: Readonly<Record<WarningCode, 'flatters' | 'voids' | null>> = {
  interrupted: null,
  failed: null,
  records: 'voids',
  no_answers: null,
  // Its client may have been slow, and what counts from sending leaves out what users waited before.
  imported: 'voids',
  not_valid: 'voids',
  // Whether the client was late for it is what the validity says.
  beyond_certificate: null,
  cached_tokens: 'flatters',
  outputs_short: 'flatters',
  outputs_long: 'voids',
  lumps: 'flatters',
  inputs: 'voids',
  // The server had less in flight than the trace asks of it, so that a pass is of a lighter load. A miss stands: the wait
  // is what users behind this cap felt.
  held: 'flatters',
  sessions: null,
  rate: 'voids',
  hidden_tokens: null,
  misreported: 'voids',
  bad_rows: 'voids',
  // Of the server before the run; what it did in the run is in the figures.
  probe: null,
  workload: null,
};

/** Whether the warnings leave room for a verdict of this kind. */
export function allowsVerdict(warnings: readonly Warning[], verdict: 'met' | 'missed'): boolean {
  return warnings.every(({ code }) => {
    const effect = EFFECTS[code];
    return effect === null || (effect === 'flatters' && verdict === 'missed');
  });
}

/** What a reader must know before any figure: asked against got, in words. The worst first. */
export function warningsOf(summary: Omit<Summary, 'warnings' | 'diagnosis'>, manifest: Manifest): Warning[] {
  // Bodies are sent as they are, and estimates promise nothing.
  const { bodies = 0, estimated = 0 } = manifest.workload.own_prompts ?? {};
  const [areBodies, areEstimated] = [bodies > 0, estimated > 0];
  const texts: Readonly<Record<WarningCode, string | null>> = {
    records: recordsText(summary, manifest),
    failed: summary.status === 'failed' ? endedText(summary, 'The run failed') : null,
    interrupted: endedEarly(summary),
    no_answers: noAnswersText(summary),
    imported: importedText(manifest),
    not_valid:
      summary.validity.valid || !summary.validity.judged ? null : `Not valid: ${summary.validity.reasons.join('; ')}`,
    beyond_certificate: beyondText(manifest),
    cached_tokens: cachedText(summary, manifest),
    // With --no-ignore-eos the model may end its outputs earlier: that is what was asked.
    outputs_short: manifest.ignore_eos && !areBodies ? outputsText(summary, 'short') : null,
    outputs_long: areBodies ? null : outputsText(summary, 'long'),
    lumps: lumpsText(summary),
    inputs: areEstimated ? null : inputsText(summary),
    held: heldText(summary),
    sessions: sessionsText(manifest),
    // What a cap holds back leaves later, and the warning before says so.
    rate: heldText(summary) === null ? rateText(summary) : null,
    misreported: misreportedText(summary),
    hidden_tokens: hiddenText(summary),
    bad_rows: badRowsText(summary),
    probe: probeText(manifest),
    workload: manifest.workload.warnings.length === 0 ? null : `The trace: ${manifest.workload.warnings.join('; ')}`,
  };
  return WARNING_CODES.flatMap((code) => {
    const text = texts[code];
    return text === null ? [] : [{ code, text }];
  });
}

type Figures = Omit<Summary, 'warnings' | 'diagnosis'>;

/** Due times follow from answers, so that the server decides how much load it gets. */
function sessionsText({ sessions }: Manifest): string | null {
  if (sessions === undefined) return null;
  const { mode, history, concurrent, idle_removed_s } = sessions;
  const turns =
    mode === 'think'
      ? 'Closed loop in each session: a turn is due when the answers before it have ended and its think time is over'
      : 'Turns at their times in the trace';
  const lanes =
    concurrent === null
      ? ''
      : `; ${countText(concurrent, 'session')} at a time, the next when one is over, so that a slower server has less to do`;
  const idle =
    idle_removed_s > 0 ? `; ${formatMs(idle_removed_s * 1000)} with nothing to do were cut out (--idle-cap)` : '';
  const answers = history === 'live' ? ', and its prompt repeats them' : '';
  return `${turns}${answers}${lanes}${idle}`;
}

/** Each request of the plan has one record. If not, parts of the run are missing or doubled, and no figure holds for the run. */
function recordsText({ requests, left_out, status }: Figures, { workload, sessions }: Manifest): string | null {
  const records =
    requests.scheduled +
    (left_out === null ? (sessions?.primed ?? 0) : left_out.warmup_requests + left_out.cooldown_requests);
  if (status === 'running' || records === workload.requests) return null;
  return `Not the whole run: ${countText(records, 'record')} of ${countText(workload.requests, 'request')}; a part is missing from requests/, or there twice`;
}

function endedEarly(summary: Figures): string | null {
  if (summary.status === 'running') return endedText(summary, 'Still running');
  return summary.status === 'interrupted' ? endedText(summary, 'Interrupted') : null;
}

function endedText({ reason, status, requests, held }: Figures, how: string): string {
  const { scheduled, sent, by_outcome } = requests;
  const stopped = stoppedByOutcome(requests);
  const waiting = held?.still_waiting ?? 0;
  const left = [
    ...(stopped.cut === 0 ? [] : [`${withThousands(stopped.cut)} cut off in flight`]),
    ...(waiting === 0 ? [] : [`${withThousands(waiting)} that waited for a place`]),
  ];
  const rest =
    status === 'interrupted'
      ? `the figures are of ${withThousands(judgedRequests(requests))} of the ${countText(scheduled - stopped.unsent + waiting, 'request')} that were due until then` +
        `${left.length === 0 ? '' : ` (${listText(left)} before they had missed a limit are left out)`}, of ${withThousands(scheduled)}`
      : `${countText(by_outcome.unsent ?? scheduled - sent, 'request')} of ${withThousands(scheduled)} not sent, ${withThousands(by_outcome.cut ?? 0)} cut off in flight`;
  return `${how}${reason === null ? '' : `: ${reason}`}; ${rest}`;
}

function noAnswersText({ requests, left_out }: Figures): string | null {
  if (judgedRequests(requests) === 0 || requests.ok > 0) return null;
  const kinds = Object.entries(failedByOutcome(requests)).map(
    ([outcome, count]) => `${withThousands(count)} ${outcome.replaceAll('_', ' ')}`,
  );
  return `No ${left_out === null ? '' : 'measured '}request was answered: ${listText(kinds)}`;
}

function importedText({ imported }: Manifest): string | null {
  if (imported === undefined) return null;
  const { tool, version, starts } = imported;
  const counts = {
    due: 'latencies count from when requests were due',
    sent: 'latencies count from sending, without what users waited before',
    unknown:
      'its file does not say when requests were sent: latencies count from sending, and nothing is told over time',
  }[starts];
  return `Imported from ${tool}${version === null ? '' : ` ${version}`}: whether its client kept up is not known, so that nothing is judged; ${counts}`;
}

function beyondText({ certificate }: Manifest): string | null {
  if (certificate === undefined || certificate.beyond.length === 0) return null;
  const { beyond, limit_ms, timestamp_error_us: error } = certificate;
  const known =
    error === null
      ? `more than ${formatMs(limit_ms)} perhaps`
      : `up to ${formatMs(error.p99 / 1000)} (p99, as calibrated)`;
  return `The client's busiest second was beyond what this machine is certified to time within ${formatMs(limit_ms)}: ${listText(beyond)}; tokens are recorded late by ${known}; use more workers (--workers), a lower rate or another machine (reprise calibrate)`;
}

function cachedText(
  { delivered: { cached_tokens: cached }, workload: { prefix_reuse } }: Figures,
  { workload: { own_prompts } }: Manifest,
): string | null {
  if (cached === null || !cached.exceeds) return null;
  // What texts share is not known: a system prompt that all have is in the cache after the first.
  if (own_prompts !== undefined && !prefix_reuse) return null;
  const allowed = prefix_reuse ? `allows at most ${formatShare(prefix_reuse)}` : 'shares none';
  return `The server had ${formatShare(cached.cached / Math.max(cached.cached, cached.input))} of the input tokens in its cache, and the trace ${allowed}: it has seen these prompts before, and TTFT is better than new prompts would have it; leave out --salt, so that each run has prompts of its own, or empty the cache first (--reset-cache)`;
}

function outputsText({ delivered: { outputs } }: Figures, kind: 'short' | 'long'): string | null {
  if (outputs === null || outputs[kind] < TELLING_SHARE * outputs.requests) return null;
  if (outputs[kind] === 0) return null;
  const { requests, as_asked, asked_mean, got_mean, finish_reasons } = outputs;
  const reasons = Object.entries(finish_reasons).map(([reason, count]) => `${reason} ${withThousands(count)}`);
  return (
    `Outputs are ${kind === 'short' ? 'shorter' : 'longer'} than asked in ${withThousands(outputs[kind])} of ${countText(requests, 'answer')}` +
    ` (as asked in ${withThousands(as_asked)}; ${tokensText(got_mean)} of ${tokensText(asked_mean)} tokens on average; finish reasons: ${listText(reasons)})` +
    `: the load is ${kind === 'short' ? 'lighter' : 'heavier'} than the trace's`
  );
}

/** So many answers came in lumps, or all did. */
const FEWEST_LUMPED = 3;

function lumpsText({ delivered: { lumps }, server }: Figures): string | null {
  if (lumps === null || lumps.lumped < TELLING_SHARE * lumps.streams) return null;
  // One answer of a short run that paused on its way is no proxy that buffers.
  if (lumps.lumped < Math.min(FEWEST_LUMPED, Math.max(1, lumps.streams))) return null;
  const perLump = lumps.tokens / lumps.lumps;
  const theirs = server?.latency_ms.itl ?? null;
  const beside = theirs === null ? '' : `; the server's own ITL is ${threeFigures(theirs.mean)} ms on average`;
  return `Tokens came in lumps of ${threeFigures(perLump)} on average in ${withThousands(lumps.lumped)} of ${countText(lumps.streams, 'answer')}: a proxy or the server holds them back, and TPOT and ITL describe it${beside}`;
}

/** Exact prompts must be as planned; approximate ones at least on average. */
function inputsText({ workload, delivered }: Figures): string | null {
  const deviation = delivered.input_deviation_tokens;
  const [asked, got] = [delivered.asked.input_tokens_mean, delivered.got.input_tokens_mean];
  if (deviation === null || asked === null || got === null || deviation.requests === 0) return null;
  const isFar = Math.abs(got - asked) > APPROXIMATE_INPUT * asked;
  const isMany = workload.prompts === 'exact' && deviation.requests >= TELLING_SHARE * deviation.counted;
  if (!isFar && !isMany) return null;
  return `Prompts are not as long as planned: ${tokensText(got)} tokens on average as the server counts them, ${tokensText(asked)} planned; ${withThousands(deviation.requests)} of ${withThousands(deviation.counted)} differ, by ${withThousands(deviation.max)} at most`;
}

function heldText({ held }: Figures): string | null {
  if (held === null || held.wait_ms === null || held.share < TELLING_SHARE) return null;
  const { p50, p99 } = held.wait_ms;
  return `At most ${withThousands(held.max_in_flight)} in flight (--max-in-flight): ${formatShare(held.share)} of requests waited for a place, p50 ${formatMs(p50)}, p99 ${formatMs(p99)}, which is in their TTFT and E2E: a closed loop while it binds, so that the load is lighter than the trace's`;
}

function rateText({ delivered: { asked, got }, requests: { sent } }: Figures): string | null {
  if (sent < MIN_REQUESTS_OF_A_RATE || asked.rate_rps === 0) return null;
  if (Math.abs(got.rate_rps / asked.rate_rps - 1) <= RATE_TOLERANCE) return null;
  return `Requests left at ${threeFigures(got.rate_rps)} a second, and ${threeFigures(asked.rate_rps)} were due: the load is not the trace's`;
}

function misreportedText({ delivered: { outputs } }: Figures): string | null {
  if (outputs === null || outputs.misreported === 0 || outputs.misreported < TELLING_SHARE * outputs.requests)
    return null;
  return `The server's count of output tokens disagrees with what it sent in ${withThousands(outputs.misreported)} of ${countText(outputs.requests, 'answer')}: the tokens that came are counted, and TPOT is as uncertain as they are`;
}

function badRowsText({ workload: { bad_rows, requests } }: Figures): string | null {
  if (bad_rows === 0 || bad_rows < TELLING_SHARE * (bad_rows + requests)) return null;
  return `${countText(bad_rows, 'row')} of the trace could not be read and are left out (--on-bad-row skip): the load is lighter than the trace's`;
}

function probeText({ probe }: Manifest): string | null {
  if (probe === undefined || probe.warnings.length === 0) return null;
  return `The probe of the target (${probe.probed_at}): ${probe.warnings.join('; ')}`;
}

function hiddenText({ delivered: { outputs } }: Figures): string | null {
  if (outputs === null || outputs.hidden_tokens === 0) return null;
  return `The server counted ${countText(outputs.hidden_tokens, 'token')} that it never sent (hidden reasoning): they are in the output lengths, and in no TPOT or ITL`;
}

function tokensText(mean: number): string {
  return Number.isInteger(mean) ? withThousands(mean) : threeFigures(mean);
}
