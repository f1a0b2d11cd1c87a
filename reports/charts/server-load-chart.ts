import type { ServerBin, ServerTimeline } from '../data/server-timeline.ts';
import { afterWords, amountWords, countWords, secondsWords } from '../format.ts';
import type { Chart } from './chart.ts';
import { COLOURS } from './theme.ts';
import { binWords, timePanel, type TimeSeries } from './time-panel.ts';

const RUNNING: TimeSeries<ServerBin> = {
  name: 'running',
  mark: 'area',
  color: COLOURS.first,
  value: (bin) => bin.running,
  words: amountWords,
};
const WAITING: TimeSeries<ServerBin> = {
  name: 'waiting',
  mark: 'line',
  color: COLOURS.second,
  value: (bin) => bin.waiting,
  words: amountWords,
};

/** Requests that run in the server and that wait in it, as it says: an area and a line. */
export function serverLoadChart(server: ServerTimeline): Chart {
  const { bins, scrapes } = server;
  const title = titleOf(bins);
  return {
    id: 'server-load',
    title,
    label: `Requests running and waiting in the server over ${secondsWords(bins.at(-1)?.to_s ?? 0)}, as it says. ${title}.`,
    note: `n = ${countWords(scrapes, 'scrape')} of the server's metrics; running as an area, waiting as a line; ${binWords(server)}.`,
    spec: timePanel(server, {
      height: 110,
      yTitle: 'requests in the server',
      series: [RUNNING, WAITING],
      nothing: 'the server told nothing',
    }),
    table: {
      columns: ['from (s)', 'running (requests)', 'waiting (requests)'],
      rows: bins.map((bin) => [String(bin.from_s), ...[bin.running, bin.waiting].map(cell)]),
    },
  };
}

function titleOf(bins: readonly ServerBin[]): string {
  const running = peakOf(bins, (bin) => bin.running);
  const waiting = peakOf(bins, (bin) => bin.waiting);
  if (waiting !== null && waiting.value > 0)
    return `The server's queue peaks at ${amountWords(waiting.value)} waiting ${afterWords(waiting.from_s)}`;
  if (running === null) return 'The server does not say how many requests run in it';
  const ran = `Running in the server peaks at ${amountWords(running.value)} ${afterWords(running.from_s)}`;
  return waiting === null ? ran : `${ran}; none was seen to wait`;
}

function peakOf(
  bins: readonly ServerBin[],
  valueOf: (bin: ServerBin) => number | null,
): { value: number; from_s: number } | null {
  return bins.reduce<{ value: number; from_s: number } | null>((most, bin) => {
    const value = valueOf(bin);
    return value !== null && value > (most?.value ?? -1) ? { value, from_s: bin.from_s } : most;
  }, null);
}

function cell(value: number | null): string {
  return value === null ? '-' : amountWords(value);
}
