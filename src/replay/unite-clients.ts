import type { ClientSample } from '../schema/client-sample.ts';
import type { ClientHealth } from '../schema/manifest.ts';
import { busiestSecond } from './busiest.ts';
import type { Stall } from './stalls.ts';

/** The health of a client over a run: its totals, and a sample a second. */
export interface ClientReport {
  readonly health: ClientHealth;
  readonly samples: readonly ClientSample[];
}

/**
 * The health of all clients of one process together. What each thread spends adds up; CPU and memory are those of the
 * process already; what delays a token or a request is that of the worst. The client that went on longest gives the
 * length and the seconds. Null: nothing is known of any.
 */
export function uniteClients(reports: readonly ClientReport[]): ClientReport | null {
  const longest = longestOf(reports);
  if (longest === null || reports.length === 1) return longest;
  const each = reports.map(({ health }) => health);
  const samples = uniteSamples(
    reports.map((report) => report.samples),
    reports.indexOf(longest),
  );
  const busiest = busiestSecond(samples);
  const { busiest_second: _, ...ofLongest } = longest.health;
  const health: ClientHealth = {
    ...ofLongest,
    ...(busiest === undefined ? {} : { busiest_second: busiest }),
    polling_s: sum(each.map(({ polling_s }) => polling_s)),
    reading_s: sumKnown(each.map(({ reading_s }) => reading_s)),
    core_wait_s: largestKnown(each.map(({ core_wait_s }) => core_wait_s)),
    event_loop_delay_ms: each.map(({ event_loop_delay_ms }) => event_loop_delay_ms).reduce(worse),
    stalls: unionOf(each.flatMap(({ stalls }) => stalls)),
    gc: worstPauses(each.map(({ gc }) => gc)),
    unread: worstPauses(each.map(({ unread }) => unread)),
    mean_in_flight: sum(
      each.map(({ mean_in_flight, duration_s }) => (mean_in_flight * duration_s) / longest.health.duration_s),
    ),
  };
  return { health, samples };
}

function longestOf(reports: readonly ClientReport[]): ClientReport | null {
  let longest: ClientReport | null = null;
  for (const report of reports)
    if (longest === null || report.health.duration_s > longest.health.duration_s) longest = report;
  return longest;
}

function worse(
  one: ClientHealth['event_loop_delay_ms'],
  other: ClientHealth['event_loop_delay_ms'],
): ClientHealth['event_loop_delay_ms'] {
  return other.p99 > one.p99 ? other : one;
}

/** The total of the client that paused most, and the longest pause of all; null where one does not tell. */
function worstPauses(each: readonly ClientHealth['gc'][]): ClientHealth['gc'] {
  return each.reduce((worst, pauses) => {
    if (worst === null || pauses === null) return null;
    const longest = pauses.longest_ms > worst.longest_ms ? pauses : worst;
    return { ...longest, total_s: Math.max(worst.total_s, pauses.total_s) };
  });
}

const lengthUs = ({ from_us, to_us }: Stall): number => to_us - from_us;

/** Times in which any of them stood still, in order and without overlap; what it did meanwhile is of the longer one. */
function unionOf(stalls: ClientHealth['stalls']): ClientHealth['stalls'] {
  const union: ClientHealth['stalls'][number][] = [];
  for (const stall of stalls.toSorted((a, b) => a.from_us - b.from_us)) {
    const last = union.at(-1);
    if (last === undefined || stall.from_us > last.to_us) union.push(stall);
    else {
      const longer = lengthUs(stall) > lengthUs(last) ? stall : last;
      union[union.length - 1] = { ...longer, from_us: last.from_us, to_us: Math.max(last.to_us, stall.to_us) };
    }
  }
  return union;
}

/**
 * The seconds of one client with those of the others added: each sample of another belongs to the second whose end is
 * nearest. Totals and requests in flight are the last known by then; of a client that has ended, none is in flight.
 */
function uniteSamples(clients: readonly (readonly ClientSample[])[], base: number): ClientSample[] {
  const seconds = clients[base] ?? [];
  const others = clients.filter((_, client) => client !== base).map((samples) => ({ samples, next: 0 }));
  return seconds.map((second, row) => {
    const untilUs = (second.time_us + (seconds[row + 1]?.time_us ?? Infinity)) / 2;
    const parts = others.map((other) => {
      const from = other.next;
      while ((other.samples[other.next]?.time_us ?? Infinity) < untilUs) other.next++;
      const last = other.samples[other.next - 1];
      const isOver = other.next === other.samples.length;
      return { during: other.samples.slice(from, other.next), last, inFlight: isOver ? 0 : (last?.in_flight ?? 0) };
    });
    const during = [second, ...parts.flatMap((part) => part.during)];
    const known = [second, ...parts.flatMap(({ last }) => last ?? [])];
    const byClient = [[second], ...parts.map((part) => part.during)];
    const waits = byClient.map((samples) => sumKnown(samples.map(({ core_wait_us }) => core_wait_us)));
    const gcs = byClient.map((samples) => sumKnown(samples.map(({ gc_us }) => gc_us)));
    return {
      ...second,
      in_flight: second.in_flight + sum(parts.map(({ inFlight }) => inFlight)),
      due: sum(known.map(({ due }) => due)),
      sent: sum(known.map(({ sent }) => sent)),
      tokens: sum(known.map(({ tokens }) => tokens)),
      lateness_max_us: Math.max(...during.map(({ lateness_max_us }) => lateness_max_us)),
      event_loop_delay_max_us: Math.max(...during.map(({ event_loop_delay_max_us }) => event_loop_delay_max_us)),
      polling_us: sum(during.map(({ polling_us }) => polling_us)),
      reading_us: sumKnown(during.map(({ reading_us }) => reading_us)),
      core_wait_us: largestKnown(waits),
      gc_us: largestKnown(gcs),
      unread_max_us: largestKnown(during.map(({ unread_max_us }) => unread_max_us)),
    };
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Null where one is not known. */
function sumKnown(numbers: readonly (number | null)[]): number | null {
  return numbers.reduce((total, number) => (total === null || number === null ? null : total + number), 0);
}

function largestKnown(numbers: readonly (number | null)[]): number | null {
  return numbers.reduce(
    (largest, number) => (largest === null || number === null ? null : Math.max(largest, number)),
    0,
  );
}
