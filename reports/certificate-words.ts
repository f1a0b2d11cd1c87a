import { formatMs, threeFigures, withThousands } from '../src/core/units.ts';
import { listText } from '../src/core/words.ts';
import { AXIS_UNITS } from '../src/certificate/beyond.ts';
import {
  LOAD_AXES,
  type Certificate,
  type CertifiedCurve,
  type CertifiedPoint,
  type LoadAxis,
} from '../src/schema/certificate.ts';
import type { Manifest } from '../src/schema/manifest.ts';

/** What a certificate says, as a sentence without its full stop. */
export function certificateSentence(certificate: Certificate): string {
  const limits = LOAD_AXES.map((axis) => {
    const curve = certificate.curves.find((each) => each.axis === axis && each.poll === 'off');
    if (curve === undefined) return '';
    return `${curve.limit.value === 0 ? 'no' : limitText(curve)} ${AXIS_UNITS[axis]}`;
  });
  const known = limits.filter((text) => text !== '');
  return `This client times ${listText(known)} within ${certificate.limit_ms} ms (p99), polling off`;
}

/** `52,000`, `at least 8,000`, `none`. */
export function limitText({ limit: { value, at_least } }: CertifiedCurve): string {
  if (value === 0) return 'none';
  return `${at_least ? 'at least ' : ''}${loadText(value)}`;
}

/** What to keep in mind beside the sentence. */
export function certificateNotes({ curves, quick, took_s, machine }: Certificate): string[] {
  const none = curves.filter(({ limit }) => limit.value === 0).map(({ axis, poll }) => ladderName(axis, poll));
  const bound = curves
    .filter(({ limit }) => limit.because === 'server' && limit.value > 0)
    .map(({ axis, poll }) => ladderName(axis, poll));
  return [
    ...(quick
      ? ['A quick look, one trial a load in steps of two: reprise calibrate without --quick measures to a fifth']
      : []),
    ...(none.length === 0
      ? []
      : [
          `None, because the lowest load was left late, or not delivered: ${listText(none)}; see what else ran on this machine, and calibrate again`,
        ]),
    ...(bound.length === 0
      ? []
      : [
          `At least, because the server on this machine wrote no more: ${listText(bound)}. With the server on another machine the client may carry more`,
        ]),
    `Measured in ${formatMs(took_s * 1000)} beside a server of its own on the same ${machine.cores} cores`,
  ];
}

function ladderName(axis: LoadAxis, poll: CertifiedCurve['poll']): string {
  return `${AXIS_UNITS[axis]} with polling ${poll}`;
}

const BECAUSE = {
  late: 'beyond it the client is late',
  server: 'the server wrote no more',
  tried: 'nothing higher was tried',
} as const;

/** A row a ladder. */
export const LIMIT_COLUMNS = ['', 'polling', 'limit', 'range of trials', 'token times p99', 'lateness p99', ''];

export function limitRows({ curves }: Certificate): string[][] {
  return curves.map((curve) => {
    const { axis, poll, limit, points } = curve;
    const point = points.findLast((each) => each[axis] <= limit.value);
    const at = (of: (point: CertifiedPoint) => number): string => (point === undefined ? '-' : formatMs(of(point)));
    return [
      AXIS_UNITS[axis],
      poll,
      limitText(curve),
      `${loadText(limit.range[0])} to ${loadText(limit.range[1])}`,
      at(({ timestamp_error_us }) => timestamp_error_us.p99 / 1000),
      at(({ lateness_ms }) => lateness_ms.p99),
      BECAUSE[limit.because],
    ];
  });
}

const VERDICTS = { within: 'within', late: 'late', server_bound: 'server at its limit' } as const;

/** A row a load that was tried. */
export const POINT_COLUMNS = [
  'stepped',
  'polling',
  'offered',
  'tokens/s',
  'requests/s',
  'streams',
  'trials',
  'token times p50',
  'p99',
  'lateness p50',
  'p99',
  '',
];

export function pointRows({ curves }: Certificate): string[][] {
  return curves.flatMap(({ axis, poll, points }) =>
    points.map((point) => [
      AXIS_UNITS[axis],
      poll,
      withThousands(point.offered),
      loadText(point.tokens_per_s),
      loadText(point.requests_per_s),
      loadText(point.streams),
      String(point.repetitions),
      formatMs(point.timestamp_error_us.p50 / 1000),
      rangeText(point.timestamp_error_us.p99 / 1000, point.timestamp_error_us.p99_range, 1000),
      formatMs(point.lateness_ms.p50),
      rangeText(point.lateness_ms.p99, point.lateness_ms.p99_range, 1),
      VERDICTS[point.verdict],
    ]),
  );
}

function rangeText(ms: number, [low, high]: readonly [number, number], perMs: number): string {
  return low === high ? formatMs(ms) : `${formatMs(ms)} (${formatMs(low / perMs)} to ${formatMs(high / perMs)})`;
}

/** What a run says of its machine's certificate. */
export function certificateOfRunText({ certificate }: Pick<Manifest, 'certificate'>): string {
  if (certificate === undefined) return 'none; reprise calibrate measures what this machine can time';
  const { calibrated_at, limit_ms, max_tokens_per_s, max_requests_per_s, max_streams, beyond } = certificate;
  const error = certificate.timestamp_error_us;
  const limits = `${loadText(max_tokens_per_s)} tokens/s, ${loadText(max_requests_per_s)} requests/s and ${loadText(max_streams)} streams within ${limit_ms} ms, polling off (${calibrated_at})`;
  const atLoad =
    error === null
      ? 'how late tokens are recorded at the load of this run was not measured'
      : `at the load of this run tokens are recorded late by p50 ${formatMs(error.p50 / 1000)}, p99 ${formatMs(error.p99 / 1000)}`;
  return `${limits}; ${atLoad}${beyond.length === 0 ? '' : `; beyond it: ${listText(beyond)}`}`;
}

export function loadText(value: number): string {
  return value >= 100 ? withThousands(Math.round(value)) : threeFigures(value);
}
