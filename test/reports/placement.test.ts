import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placementSections } from '../../reports/charts/placement-sections.ts';
import { placementText, writePlacementHtml } from '../../reports/index.ts';
import { placementVerdict } from '../../reports/placement-verdict.ts';
import type { Arrivals, Contender, Kind, PlacementReport } from '../../src/schema/placement.ts';
import { bestOf } from '../../src/search/placement/contenders.ts';
import { contender, EXAMPLE_PLACEMENT, PAIR, TWO } from './example-placement.ts';

/** Visible text, without scripts, style and tags. */
function textOf(page: string): string {
  return page
    .replaceAll(/<(script|style)\b.*?<\/\1>/gs, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

describe('attainment against the rate', () => {
  const charts = placementSections(EXAMPLE_PLACEMENT).find(({ id }) => id === 'attainment')?.charts ?? [];

  it('has a chart for each of the arrivals, with the goodput of the best of each kind in words', () => {
    assert.deepEqual(
      charts.map(({ id, title }) => [id, title]),
      [
        [
          'attainment-trace',
          "With the trace's own timing 90 % meet the SLO: disaggregated up to 2.50, collocated up to 1.25 requests/s per GPU",
        ],
        [
          'attainment-poisson',
          "With Poisson arrivals and the trace's lengths 90 % meet the SLO: disaggregated up to 3.00, collocated up to 2.00 requests/s per GPU",
        ],
      ],
    );
    const spec = JSON.stringify(charts[0]?.spec);
    assert.match(spec, /"words":"2\.50\/s","isRight":true/);
    assert.match(spec, /"words":"1\.25\/s","isRight":false/);
    assert.match(spec, /"90 % wanted"/);
    assert.match(spec, /"domain":\[0\.875,3\.9/, 'both charts have the same axis');
  });

  it('draws simulations that went to their ends, and lists those that were ended', () => {
    const rows = charts[0]?.table.rows.slice(0, 5).map(([, perGpu, rps, share]) => [perGpu, rps, share]);
    assert.deepEqual(rows, [
      ['1.75', '7.00', '99.9'],
      ['2.50', '10.0', '91.0'],
      ['2.52', '10.1', 'under 90.0'],
      ['2.75', '11.0', '74.0'],
      ['3.25', '13.0', '35.0'],
    ]);
    assert.doesNotMatch(JSON.stringify(charts[0]?.spec), /2\.525/);
    assert.match(charts[0]?.note ?? '', /in the table alone/);
  });

  it('is not there in files of before, and has no curve of one point', () => {
    const { attainment } = EXAMPLE_PLACEMENT;
    for (const curves of [[], attainment.map((curve) => ({ ...curve, probes: curve.probes.slice(1, 3) }))])
      assert.deepEqual(placementSections({ ...EXAMPLE_PLACEMENT, attainment: curves })[1]?.charts, []);
  });
});

describe('the charts of a placement search', () => {
  it('say the ratio, the best shapes, and each bar its figure', () => {
    const [units, phases] = placementSections(EXAMPLE_PLACEMENT).flatMap(({ charts }) => charts);
    assert.equal(
      units?.title,
      "Disaggregated carries 2.00 times as much per GPU as collocated with the trace's own timing",
    );
    assert.match(units.note, /Bar: with Poisson arrivals .*line across it: with the trace's own timing/);
    const spec = JSON.stringify(units.spec);
    assert.match(spec, /"3\.00, TPOT binds"/);
    assert.match(spec, /"byTrace":2\.5,/);
    assert.match(spec, /"values":\[0,1,2,3\]/, 'the axis ends where the bars do');
    assert.doesNotMatch(spec, /1 prefill \(tp 2\) \+ 2 decode/, 'what was beaten has no bar');
    assert.equal(phases?.title, 'Alone, prefill carries most per GPU with tp 2, decode with tp 2');
    assert.match(JSON.stringify(phases?.table), /"any"/);
  });
});

it('text and page say the answer first, then what it is compared with, then every placement', async () => {
  const text = placementText(EXAMPLE_PLACEMENT, { color: false });
  const page = textOf(await writePlacementHtml(EXAMPLE_PLACEMENT));
  const answer =
    "1 prefill (tp 2) + 1 decode (tp 1, pp 2) of distserve on 4 GPUs carry most per GPU with 90 % within TTFT <= 250 ms and TPOT <= 100 ms: 10.0-10.1 requests/s with the trace's own timing (2.50-2.52 per GPU; TPOT binds), 12.0-12.1 requests/s with Poisson arrivals and the trace's lengths (3.00-3.03 per GPU). 4 of them take 16 of the 16 GPUs: 40.0-40.4 requests/s, each with the trace's own timing";
  const beside =
    "Best collocated: 2 collocated (tp 2) of vllm-v1 on 4 GPUs: 5.00-5.05 requests/s with the trace's own timing (1.25-1.26 per GPU; TPOT binds), 8.00-8.08 requests/s with Poisson arrivals and the trace's lengths (2.00-2.02 per GPU). Disaggregated carries 2.00 times as much per GPU as collocated with the trace's own timing";
  for (const [shown, first] of [
    [text, answer],
    [page, answer.replaceAll('<=', '≤')],
  ] as const) {
    const parts = [`● ${first}`, beside, '2 prefill (tp 2) + 1 decode', '1 prefill (tp 2) + 2 decode', '341'];
    const places = parts.map((part) =>
      shown.replaceAll('&#39;', "'").replaceAll('●', '● ').replaceAll(/ +/g, ' ').indexOf(part),
    );
    assert.ok(
      places.every((place) => place >= 0),
      `${places.join(' ')} in ${shown}`,
    );
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
  }
  assert.match(text, /< 1\.65/);
  assert.match(text, /< 1\.25/, "what was beaten with the trace's own timing");
  assert.match(page, /&lt; 1\.65/);
});

it('a line under the headline says which requests it holds for, from one in a hundred left out', async () => {
  const leftOut = (too_long: number, max_model_len: number | null = 2048): PlacementReport => ({
    ...EXAMPLE_PLACEMENT,
    max_model_len,
    workload: { ...EXAMPLE_PLACEMENT.workload, requests: 19_366, too_long },
  });
  const told = 'For the 85.3 % of requests that fit into 2,048 tokens: 2,838 of 19,366 are longer and left out';
  const text = placementText(leftOut(2838), { color: false }).split('\n');
  assert.match(text[0] ?? '', /^●/);
  assert.ok(text[1]?.startsWith(told), text[1]);
  const page = await writePlacementHtml(leftOut(2838));
  assert.ok(/<header>.*?<\/header>/s.exec(page)?.[0].includes(told));
  assert.match(placementVerdict(leftOut(194)).notes[0] ?? '', /^For the 99\.0 % of requests/);
  assert.doesNotMatch(placementVerdict(leftOut(193)).notes.join(), /of requests that/);
  assert.match(
    placementVerdict(leftOut(2838, null)).notes[0] ?? '',
    /^For the 85\.3 % of requests that the model takes:/,
  );
  const nothing = { ...leftOut(2838), contenders: [], best: null };
  assert.match(placementVerdict(nothing).notes[0] ?? '', /^For the 85\.3 % of requests/);
});

/** A search whose contenders are these, in this order. */
function found(contenders: readonly Contender[], changes: Partial<PlacementReport> = {}): PlacementReport {
  return { ...EXAMPLE_PLACEMENT, contenders, best: bestOf(contenders), ...changes };
}

describe('the headline', () => {
  it('is the best of both kinds, with what DistServe looks for second', () => {
    const { glyph, sentence, notes } = placementVerdict(
      found([contender('collocated', TWO, 4, [14, 13]), contender('disaggregated', PAIR, 4, [12, 10])]),
    );
    assert.equal(glyph, '●');
    assert.match(
      sentence,
      /^2 collocated \(tp 2\) of vllm-v1 on 4 GPUs carry most per GPU .*: 13\.0-13\.1 requests\/s/,
    );
    assert.equal(notes.length, 1);
    assert.match(
      notes[0] ?? '',
      /^Best disaggregated, which is what DistServe's algorithm looks for: 1 prefill .* Collocated carries 1\.30 times as much per GPU as disaggregated with the trace's own timing$/,
    );
  });

  it("follows the trace's own timing, and says that Poisson arrivals have another order", () => {
    const { sentence, notes } = placementVerdict(
      found([
        contender('collocated', TWO, 4, [11, 10]),
        contender('disaggregated', PAIR, 4, [10, 9]),
        contender('disaggregated', [...PAIR, ...PAIR], 8, [28, 12]),
      ]),
    );
    assert.match(sentence, /^2 collocated/);
    assert.ok(
      notes.includes(
        "The order changes with the arrivals: with Poisson arrivals and the trace's lengths disaggregated carries most per GPU",
      ),
    );
    assert.match(
      notes.join('\n'),
      /the best disaggregated is another: .* on 8 GPUs: 3\.50-3\.54 requests\/s per GPU, and 1\.50-1\.52 with the trace's own timing/,
    );
  });

  it('is not sure where the rates per GPU of both kinds overlap within the precision', () => {
    const { glyph, tone, notes } = placementVerdict(
      found([contender('collocated', TWO, 4, [14, 10.05]), contender('disaggregated', PAIR, 4, [12, 10])]),
    );
    assert.deepEqual([glyph, tone], ['≈', 'unsure']);
    assert.match(notes.at(-1) ?? '', /^Not decided: the rates per GPU of collocated and disaggregated overlap/);
  });

  it('is not sure by Poisson arrivals alone, whose name stands at the rate', () => {
    const only: Contender = {
      ...contender('collocated', TWO, 4, [14, null]),
      trace_missed_rps: null,
      trace_repeats: null,
    };
    const { glyph, sentence, notes } = placementVerdict(found([only], { trace_timing: null }));
    assert.equal(glyph, '≈');
    assert.match(sentence, /: 14\.0-14\.1 requests\/s with Poisson arrivals and the trace's lengths \(3\.50/);
    assert.match(notes.join('\n'), /By Poisson arrivals alone: all requests of the trace are due at one time/);
    assert.match(notes.join('\n'), /Disaggregated \(distserve\): no placement carries any rate/);
  });

  it('says of a kind of which there is no placement that there is none', () => {
    const alone = found([contender('collocated', TWO, 1, [14, 13])], { gpus: 1, placements: [] });
    const notes = placementVerdict(alone).notes.join('\n');
    assert.match(notes, /Disaggregated \(distserve\): there is no such placement on 1 GPU$/m);
    assert.doesNotMatch(notes, /carries any rate/);
  });

  it('is not sure of a simulation that is short beside its requests', () => {
    const { glyph, notes } = placementVerdict(
      found([contender('collocated', TWO, 4, [14, 13])], {
        trace_timing: { requests: 100, left_behind: 0, rate_rps: 1, simulations: 9 },
      }),
    );
    assert.equal(glyph, '≈');
    assert.match(
      notes.at(-1) ?? '',
      /^Flattered: a simulation of it lasts 7\.69 s and begins empty, a request takes 8 s/,
    );
  });

  it('names what carries most in all, where that is another', () => {
    const most = contender('collocated', [{ role: 'both', instances: 8, tp: 2, pp: 1 }], 16, [50, 48]);
    const { notes } = placementVerdict(found([contender('collocated', TWO, 6, [22, 20]), most]));
    assert.ok(
      notes.includes(
        "Most on all 16 GPUs: 8 collocated (tp 2) on 16 GPUs: 48.0-48.5 requests/s with the trace's own timing",
      ),
      notes.join('\n'),
    );
  });

  it('counts one request as one', () => {
    const workload = { ...EXAMPLE_PLACEMENT.workload, requests: 1 };
    const text = placementText({ ...EXAMPLE_PLACEMENT, workload }, { color: false });
    assert.match(text, /^workload +\S+, 1 request(?:,|$)/m);
  });

  it('says how often a short trace was replayed, and what of a long one', () => {
    const short = { ...contender('collocated', TWO, 4, [14, 13]), trace_repeats: 31 };
    const timing = { requests: 262, left_behind: 0, rate_rps: 6, simulations: 9 };
    assert.match(
      placementVerdict(found([short], { trace_timing: timing })).sentence,
      /with the trace's own timing, its 262 requests 31 times end to end \(/,
    );
    const long = { ...timing, requests: 50_000, left_behind: 1 };
    assert.match(
      placementVerdict(found([contender('collocated', TWO, 4, [14, 13])], { trace_timing: long })).sentence,
      /with the trace's own timing, its first 50,000 requests \(/,
    );
  });
});

it('a search that found nothing says so, and names are only ever text', async () => {
  const evil = '</script><img src=x onerror=alert(1)>';
  const empty: PlacementReport = {
    ...found([], { trace_timing: null }),
    placements: [],
    collocated: [],
    workload: { ...EXAMPLE_PLACEMENT.workload, name: evil },
  };
  const page = await writePlacementHtml(empty);
  assert.match(textOf(page), /✗ ?No placement on 16 GPUs of a100-sxm-80g carries any rate/);
  assert.doesNotMatch(page, /<img/);
  assert.match(placementText({ ...empty, phases: { prefill: [], decode: [] } }, { color: false }), /^✗ No placement/);
});

describe('the arrivals that were asked for', () => {
  const single = (contenders: readonly Contender[], arrivals: Arrivals): PlacementReport => ({
    ...found(contenders, { arrivals: [arrivals] }),
    attainment: EXAMPLE_PLACEMENT.attainment.filter((curve) => curve.arrivals === arrivals),
  });
  const byTrace = single(
    [
      { ...contender('disaggregated', PAIR, 4, [12, 10]), poisson: null, trace_repeats: 2 },
      { ...contender('collocated', TWO, 4, [8, 5]), poisson: null },
    ],
    'trace',
  );
  const byPoisson: PlacementReport = {
    ...single(
      [contender('disaggregated', PAIR, 4, [12, null]), contender('collocated', TWO, 4, [8, null])].map((each) => ({
        ...each,
        trace_missed_rps: null,
        trace_repeats: null,
      })),
      'poisson',
    ),
    trace_timing: null,
  };

  it("the trace's own timing alone: nothing says Poisson but the line that it was not asked for", async () => {
    const text = placementText(byTrace, { color: false });
    const page = textOf(await writePlacementHtml(byTrace)).replaceAll('&#39;', "'");
    for (const shown of [text, page]) {
      assert.match(
        shown,
        /10\.0-10\.1 requests\/s with the trace's own timing, its 11,997 requests 2 times end to end \(2\.50/,
      );
      assert.equal(shown.match(/Poisson/g)?.length, 1, shown);
      assert.match(shown, /Poisson arrivals\s+not asked for/);
      assert.match(shown, /600 tokens in and 200 out on average; for all placements/);
    }
    assert.match(text, /^● /);
    assert.match(
      text,
      /\nBest of both kinds, with the trace's own timing\nplacement +GPUs +requests\/s per GPU +requests\/s +copies\n/,
    );
    assert.match(text, /\nAll disaggregated, with the trace's own timing\n/);
    assert.match(page, /of them, best first, with the trace's own timing\./);
    const [units] = placementSections(byTrace).flatMap(({ charts }) => charts);
    assert.match(units?.note ?? '', /Bar: with the trace's own timing\. Up to/);
    assert.doesNotMatch(JSON.stringify(units?.spec), /"byTrace":\d/);
    assert.deepEqual(
      units?.table.columns.filter((column) => column.includes('timing')),
      [],
    );
  });

  it('Poisson arrivals alone: said, and no doubt of its own, since they were asked for', async () => {
    const text = placementText(byPoisson, { color: false });
    const page = textOf(await writePlacementHtml(byPoisson)).replaceAll('&#39;', "'");
    for (const shown of [text, page]) {
      assert.match(shown, /12\.0-12\.1 requests\/s with Poisson arrivals and the trace's lengths \(3\.00/);
      assert.match(shown, /Poisson arrivals alone, as asked: with the trace's own timing another may carry most/);
      assert.match(shown, /the trace's own timing\s+not asked for/);
      assert.doesNotMatch(shown, /due at one time|tried with|line across/);
    }
    assert.match(text, /^● /);
    assert.deepEqual(
      placementSections(byPoisson)[1]?.charts.map(({ id }) => id),
      ['attainment-poisson'],
    );
  });
});

describe('prefix blocks', () => {
  const shared = (...kept_by: Kind[]): PlacementReport => ({
    ...EXAMPLE_PLACEMENT,
    prefix: { block_tokens: 512, max_hit_ratio_tokens: 0.3736, kept_by },
  });

  it('a line says what was simulated of them', () => {
    const line = /prefixes +blocks of 512 tokens; an unlimited cache would hold 37\.4 % of the prompt tokens; .*/;
    const told = (...kept_by: Kind[]): string =>
      line.exec(placementText(shared(...kept_by), { color: false }))?.[0] ?? '';
    assert.match(told('collocated'), /; kept by vllm-v1$/);
    assert.match(told('disaggregated', 'collocated'), /; kept by distserve and vllm-v1$/);
    assert.match(told(), /; kept by neither system$/);
    assert.doesNotMatch(placementText(EXAMPLE_PLACEMENT, { color: false }), /prefixes/);
  });

  it('a note under the headline where only one of both systems keeps them', () => {
    const note =
      'Only vllm-v1 keeps what prompts begin with, distserve computes it again: up to 37.4 % of the prompt tokens of this trace';
    assert.ok(placementVerdict(shared('collocated')).notes.includes(note));
    for (const report of [shared(), shared('disaggregated', 'collocated'), EXAMPLE_PLACEMENT])
      assert.doesNotMatch(placementVerdict(report).notes.join(), /begin with/);
  });
});
