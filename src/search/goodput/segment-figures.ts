import type { RequestRecord } from '../../core/record.ts';
import type { Slo } from '../../core/slo.ts';
import { AttainmentCollector } from '../../metrics/attainment.ts';
import { meetsAll } from '../../metrics/judge.ts';
import { bindingClass, type Misses } from '../../metrics/misses.ts';
import { LatencyCollector } from '../../metrics/latency.ts';
import { readRecords } from '../../runs/records.ts';
import type { GoodputProbe } from '../../schema/goodput.ts';
import { trafficPosition } from '../../../workloads/index.ts';
import { aloneOf, quantilesOf } from './probe-figures.ts';
import { judgedSegment, type Segment } from './segments.ts';

/** A segment as its records have it. */
export interface JudgedSegment extends Segment {
  readonly figures: Omit<GoodputProbe, 'valid' | 'dir'>;
  readonly misses: Misses;
}

/** The segments of a run that has ended, counted again by its records. */
export async function judgedSegments(dir: string, segments: readonly Segment[], limits: Slo): Promise<JudgedSegment[]> {
  const counted = segments.map((segment) => ({ ...segment, requests: 0, met: 0, missed: 0 }));
  const figures = new Map(counted.map((segment) => [segment, new SegmentFigures(limits)]));
  for await (const batch of readRecords(dir))
    for (const request of batch) {
      const position = trafficPosition(request.request_id);
      const segment = counted.findLast(({ from }) => from <= position);
      if (segment === undefined) continue;
      segment.requests++;
      // What was cut as the user stopped the run has missed nothing.
      if (judgedSegment(counted, position) === null || request.outcome === 'cut') continue;
      if (meetsAll(request, limits) === true) segment.met++;
      else segment.missed++;
      figures.get(segment)?.add(request);
    }
  return counted
    .filter(({ requests }) => requests > 0)
    .map((segment) => {
      const of = figures.get(segment) ?? new SegmentFigures(limits);
      return { ...segment, misses: of.attainment.misses, figures: figuresOf(segment, of) };
    });
}

class SegmentFigures {
  readonly attainment: AttainmentCollector;
  readonly latency = new LatencyCollector();

  constructor(limits: Slo) {
    this.attainment = new AttainmentCollector(limits);
  }

  add(request: RequestRecord): void {
    this.attainment.add(request);
    this.latency.add(request);
  }
}

function figuresOf(
  { kind, rateRps, planned, unjudged, requests, met, missed }: Segment,
  { attainment, latency }: SegmentFigures,
): JudgedSegment['figures'] {
  // One of which no request had ended when the run was stopped has no share either.
  const isCut = requests < planned || met + missed === 0;
  const judged = attainment.result();
  return {
    kind,
    rate_rps: rateRps,
    requests: isCut ? planned - unjudged : met + missed,
    met,
    missed,
    attainment: isCut ? null : met / (met + missed),
    alone: aloneOf(met + missed === 0 ? null : judged.attainment),
    latency_ms: isCut ? null : quantilesOf(latency.tables().fromDue),
    // Requests of a segment share its queue: by itself it has no interval.
    ci95: null,
    binding: judged.binding,
    ...bindingClass(attainment.misses),
    decided: isCut,
    requests_used: requests,
  };
}
