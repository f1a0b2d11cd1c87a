import { mostCarried, type ProbeLoad, type ProbeReport } from '../src/schema/probe.ts';
import { threeFigures, withThousands } from '../src/core/units.ts';
import { countText } from '../src/core/words.ts';

/** The answer of a probe. `glyph` says the same as the colour that a report gives to `tone`. */
export interface ProbeVerdict {
  readonly tone: 'met' | 'missed' | 'unsure' | 'none';
  readonly glyph: string;
  readonly sentence: string;
}

const GLYPHS = { met: '✓', missed: '✗', unsure: '≈', none: '●' } as const;
const TONES = { fits: 'met', nearly: 'unsure', does_not_fit: 'missed', unknown: 'unsure' } as const;

export function probeVerdict(report: ProbeReport): ProbeVerdict {
  const { endpoints, workload, front_end } = report;
  const tone = endpoints.some(({ works }) => works) ? (workload === null ? 'none' : TONES[workload.fits]) : 'missed';
  const parts = [
    `${report.target}: ${serverText(report)}`,
    ...(front_end === null ? [] : [carriedText(report)]),
    ...(workload === null ? [] : [fitText(workload)]),
  ];
  return { tone, glyph: GLYPHS[tone], sentence: parts.join('; ') };
}

function serverText({ server, endpoints }: ProbeReport): string {
  if (!endpoints.some(({ works }) => works)) return 'no endpoint answers a request for tokens';
  return `${engineText(server)}, model ${server.model}`;
}

/** `vllm 0.32.0`; the reference engine's version begins with its name. */
export function engineText({ engine, version }: ProbeReport['server']): string {
  if (engine === null) return 'a server that does not say what it is';
  if (version === null) return engine;
  return version.startsWith(engine) ? version : `${engine} ${version}`;
}

function carriedText({ front_end }: ProbeReport): string {
  const most = mostCarried(front_end);
  if (most === null) return 'its front end answered no completion';
  return `its front end carries ${rateText(most)} completions of one token a second, at ${countText(most.connections, 'connection')}`;
}

/** `1,230`; `at least 1,230` where the client was the limit. */
export function rateText({ requests_per_s, client_bound }: ProbeLoad): string {
  return `${client_bound ? 'at least ' : ''}${threeFigures(requests_per_s)}`;
}

function fitText({ name, fits, busiest_second }: NonNullable<ProbeReport['workload']>): string {
  const busiest = `the busiest second of ${name} (${countText(busiest_second.requests, 'request')}, from ${withThousands(busiest_second.from_s.toFixed(1))} s on)`;
  const verdicts = {
    fits: 'fits into that',
    nearly: 'hardly fits into that',
    does_not_fit: 'does not fit into that',
    unknown: 'may fit or not: that much was not measured',
  };
  return `${busiest} ${verdicts[fits]}`;
}
