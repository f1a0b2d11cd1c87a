import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { uniteClients, type ClientReport } from '../../src/replay/unite-clients.ts';
import type { ClientSample } from '../../src/schema/client-sample.ts';

/** A client whose samples come about a second apart, and which ends after `seconds`. */
const anyClient: fc.Arbitrary<ClientReport> = fc
  .record({
    steps: fc.array(
      fc.record({
        gapUs: fc.integer({ min: 1_000_000, max: 1_030_000 }),
        due: fc.nat(50),
        tokens: fc.nat(1000),
        in_flight: fc.nat(20),
        late: fc.nat(5000),
        polling: fc.nat(1_000_000),
        waited: fc.nat(100_000),
      }),
      { minLength: 1, maxLength: 20 },
    ),
    stalls: fc.array(fc.tuple(fc.nat(20_000_000), fc.integer({ min: 20_000, max: 2_000_000 })), { maxLength: 5 }),
    p99: fc.nat(50),
  })
  .map(({ steps, stalls, p99 }) => {
    let [time_us, due, tokens] = [0, 0, 0];
    const samples = steps.map((step, i): ClientSample => {
      time_us += step.gapUs;
      due += step.due;
      tokens += step.tokens;
      return {
        time_us,
        in_flight: i === steps.length - 1 ? 0 : step.in_flight,
        due,
        sent: due,
        tokens,
        lateness_max_us: step.late,
        event_loop_delay_max_us: step.late,
        cpu_us: 1000,
        polling_us: step.polling,
        reading_us: step.polling,
        core_wait_us: step.waited,
        rss_bytes: 1e8,
        gc_us: step.late,
        unread_max_us: step.waited,
      };
    });
    let untilUs = 0;
    const apart = stalls
      .toSorted(([a], [b]) => a - b)
      .flatMap(([from_us, us]) => {
        if (from_us < untilUs) return [];
        untilUs = from_us + us;
        return [{ from_us, to_us: untilUs }];
      });
    const total = (field: 'polling_us' | 'core_wait_us' | 'gc_us'): number =>
      samples.reduce((sum, sample) => sum + (sample[field] ?? 0), 0) / 1e6;
    const health = {
      duration_s: time_us / 1e6,
      machine_zero_us: 5,
      cpu_s: steps.length / 1000,
      polling_s: total('polling_us'),
      reading_s: total('polling_us'),
      core_wait_s: total('core_wait_us'),
      event_loop_delay_ms: { p50: 0, p90: 0, p99, max: p99 },
      stalls: apart,
      gc: { total_s: total('gc_us'), longest_ms: p99, longest_at_us: 1 },
      unread: { total_s: 0, longest_ms: p99, longest_at_us: 2 },
      mean_in_flight: 2,
    };
    return { health, samples };
  });

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) <= 1e-6 * Math.max(1, a, b), `${a} and ${b}`);

describe('the health of several clients', () => {
  it('of one is its own, of none is not known', () => {
    fc.assert(fc.property(anyClient, (client) => assert.equal(uniteClients([client]), client)));
    assert.equal(uniteClients([]), null);
  });

  it('adds up what they did and spent, second by second, and keeps the worst of what delays', () => {
    fc.assert(
      fc.property(fc.array(anyClient, { minLength: 2, maxLength: 5 }), (clients) => {
        const united = uniteClients(clients);
        assert.ok(united !== null);
        const { health, samples } = united;
        const all = clients.flatMap((client) => client.samples);
        const each = clients.map((client) => client.health);
        const longest = Math.max(...each.map(({ duration_s }) => duration_s));
        assert.equal(health.duration_s, longest);
        near(health.polling_s, sum(each.map(({ polling_s }) => polling_s)));
        near(health.core_wait_s ?? -1, Math.max(...each.map(({ core_wait_s }) => core_wait_s ?? -1)));
        near(health.gc?.total_s ?? -1, Math.max(...each.map(({ gc }) => gc?.total_s ?? -1)));
        assert.equal(health.unread?.longest_ms, Math.max(...each.map(({ unread }) => unread?.longest_ms ?? -1)));
        near(health.mean_in_flight * longest, sum(each.map(({ duration_s }) => 2 * duration_s)));
        assert.equal(health.event_loop_delay_ms.p99, Math.max(...each.map(({ event_loop_delay_ms: { p99 } }) => p99)));

        assert.equal(samples.length, clients.find((client) => client.health.duration_s === longest)?.samples.length);
        const last = samples.at(-1);
        assert.equal(last?.in_flight, 0);
        for (const field of ['due', 'sent', 'tokens'] as const) {
          assert.equal(last?.[field], sum(clients.map((client) => client.samples.at(-1)?.[field] ?? 0)));
          for (const [row, sample] of samples.entries()) assert.ok(sample[field] >= (samples[row - 1]?.[field] ?? 0));
        }
        for (const field of ['polling_us', 'reading_us'] as const)
          near(sum(samples.map((sample) => sample[field] ?? 0)), sum(all.map((sample) => sample[field] ?? 0)));
        for (const field of ['lateness_max_us', 'unread_max_us'] as const)
          assert.equal(
            Math.max(...samples.map((sample) => sample[field] ?? -1)),
            Math.max(...all.map((sample) => sample[field] ?? -1)),
          );
      }),
    );
  });

  it('stands still when any of them does', () => {
    fc.assert(
      fc.property(fc.array(anyClient, { minLength: 2, maxLength: 4 }), fc.nat(25_000_000), (clients, atUs) => {
        const stalls = uniteClients(clients)?.health.stalls ?? [];
        const stands = (each: ClientReport['health']['stalls']): boolean =>
          each.some(({ from_us, to_us }) => from_us <= atUs && atUs <= to_us);
        assert.equal(
          stands(stalls),
          clients.some(({ health }) => stands(health.stalls)),
        );
        for (const [i, { from_us }] of stalls.entries()) assert.ok(from_us > (stalls[i - 1]?.to_us ?? -1));
      }),
    );
  });
});
