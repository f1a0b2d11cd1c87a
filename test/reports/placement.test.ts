import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placementSections } from '../../reports/charts/placement-sections.ts';
import { placementText, writePlacementHtml } from '../../reports/index.ts';
import { EXAMPLE_PLACEMENT } from './example-placement.ts';

/** Visible text, without scripts, style and tags. */
function textOf(page: string): string {
  return page
    .replaceAll(/<(script|style)\b.*?<\/\1>/gs, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

describe('the charts of a placement search', () => {
  it('say the ratio, the best shapes, and each bar its figure', () => {
    const [units, phases] = placementSections(EXAMPLE_PLACEMENT).flatMap(({ charts }) => charts);
    assert.equal(units?.title, 'Disaggregated carries 1.50 times as much a GPU as collocated');
    assert.match(JSON.stringify(units?.spec), /"3\.00, TPOT binds"/);
    assert.doesNotMatch(JSON.stringify(units?.spec), /1 prefill \(tp 2\) \+ 2 decode/, 'what was beaten has no bar');
    assert.equal(phases?.title, 'Alone, prefill carries most a GPU with tp 2, decode with tp 2');
    assert.match(JSON.stringify(phases?.table), /"any"/);
  });
});

it('text and page say the answer first, then what it is compared with, then every unit', async () => {
  const text = placementText(EXAMPLE_PLACEMENT, { color: false });
  const page = textOf(await writePlacementHtml(EXAMPLE_PLACEMENT));
  const answer =
    '1 prefill (tp 2) + 1 decode (tp 1, pp 2) on 4 GPUs carry 12.0 requests/s with 90 % within TTFT <= 250 ms and TPOT <= 100 ms: 3.00 a GPU; TPOT binds. 2 of them take 8 of the 16 GPUs: 24.0 requests/s';
  const beside =
    'Without disaggregation: 2 collocated (tp 2) of vllm-v1 on 4 GPUs: 2.00 a GPU; TPOT binds. Disaggregated carries 1.50 times as much a GPU';
  for (const [shown, first] of [
    [text, answer],
    [page, answer.replaceAll('<=', '≤')],
  ] as const) {
    const places = [first, beside, '2 prefill (tp 2) + 1 decode', '1 prefill (tp 2) + 2 decode', '321'].map((part) =>
      shown.indexOf(part),
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
  assert.match(page, /&lt; 1\.65/);
});

it('a search that found nothing says so, and names are only ever text', async () => {
  const evil = '</script><img src=x onerror=alert(1)>';
  const empty = {
    ...EXAMPLE_PLACEMENT,
    placements: [],
    collocated: [],
    workload: { ...EXAMPLE_PLACEMENT.workload, name: evil },
  };
  const page = await writePlacementHtml(empty);
  assert.match(textOf(page), /✗ No disaggregated placement on 16 GPUs of a100-sxm-80g fits/);
  assert.doesNotMatch(page, /<img/);
  assert.match(placementText({ ...empty, phases: { prefill: [], decode: [] } }, { color: false }), /^✗ No disagg/);
});
