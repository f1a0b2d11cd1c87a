import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { byMetric, endpointLabels, isKept, type ServerSample } from '../../src/schema/server-metrics.ts';
import { parseMetrics } from '../../src/serving/metrics-text.ts';

const all = (): boolean => true;
const asIs = (label: string): string => label;
const values = (text: string): number[] => parseMetrics(text, all, asIs).map(({ value }) => value);

describe('Prometheus text', () => {
  it('as servers write it', () => {
    const text = [
      '# HELP vllm:num_requests_running Number of requests in "model" {execution} batches.',
      '# TYPE vllm:num_requests_running gauge',
      'vllm:num_requests_running{engine="0",model_name="meta-llama/Llama-3.1-8B"} 3.0',
      'vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf"} 1.7e+01',
      'vllm:prompt_tokens_total{} 12345 1700000000123',
      '',
      'up 1',
    ].join('\n');
    assert.deepEqual(parseMetrics(text, isKept, asIs), [
      { name: 'vllm:num_requests_running', labels: '{"engine":"0","model_name":"meta-llama/Llama-3.1-8B"}', value: 3 },
      { name: 'vllm:time_to_first_token_seconds_bucket', labels: '{"engine":"0","le":"+Inf"}', value: 17 },
      { name: 'vllm:prompt_tokens_total', labels: '{}', value: 12345 },
    ]);
  });

  it('numbers of every form', () => {
    assert.deepEqual(values('a 1\nb -2.5\nc +3.\nd .5\ne 1e3\nf 1E-3\ng +Inf\nh -Inf\ni Inf\nj NaN\nk nan'), [
      1,
      -2.5,
      3,
      0.5,
      1000,
      0.001,
      Infinity,
      -Infinity,
      Infinity,
      Number.NaN,
      Number.NaN,
    ]);
  });

  it('spaces, tabs, carriage returns, trailing commas, exemplars, no newline at the end', () => {
    const wanted = [{ name: 'a', labels: '{"x":"1","y":"2"}', value: 7 }];
    for (const line of [
      'a{x="1",y="2"} 7',
      '  a { y = "2" , x="1", }\t7\r\n',
      'a{y="2",x="1"}7 123\n\n',
      'a{x="1",y="2"} 7 # {trace_id="q"} 0.5 1.5',
    ])
      assert.deepEqual(parseMetrics(line, all, asIs), wanted, line);
  });

  it("labels of ours are added in their place, and replace the page's own", () => {
    const ours = { endpoint: '1' };
    assert.deepEqual(
      parseMetrics('a 1\nb{z="x",c="y"} 2\nc{endpoint="9"} 3', all, asIs, ours).map(({ labels }) => labels),
      ['{"endpoint":"1"}', '{"c":"y","endpoint":"1","z":"x"}', '{"endpoint":"1"}'],
    );
  });

  it('a wanted line that is none is named; one that is not wanted may be anything', () => {
    for (const [line, names] of [
      ['a{x="1} 7', /^Error: line 2 is not a metric: a\{x="1\} 7/],
      ['a{x=1} 7', /line 2/],
      ['a{x="1"', /line 2/],
      ['a', /line 2/],
      ['a seven', /line 2/],
      ['a 0x10', /line 2/],
      ['a 1 2 3', /line 2/],
      ['a-b 1', /line 2/],
    ] as const) {
      assert.throws(() => parseMetrics(`b 1\n${line}\n`, all, asIs), names, line);
      assert.deepEqual(values(`${line}\n`.replace(/^a/, '#a')), []);
      assert.equal(parseMetrics(`b 1\n${line}\n`, (name) => name === 'b', asIs).length, 1);
    }
  });

  it('whatever is written by the rules of the format is read as it was', () => {
    const name = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,12}$/);
    const space = fc.stringMatching(/^[ \t]{0,3}$/);
    const gap = fc.stringMatching(/^[ \t]{1,3}$/);
    const value = fc.oneof(fc.double(), fc.integer());
    const sample = fc.record({
      name,
      labels: fc.dictionary(fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,6}$/), fc.string({ unit: 'binary' }), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
      value,
      space,
      gap,
      timestamp: fc.option(fc.integer()),
      exponent: fc.boolean(),
      comment: fc.option(fc.stringMatching(/^# [a-z {}"=]{0,20}$/)),
    });
    const written = (number: number, exponent: boolean): string =>
      Number.isFinite(number)
        ? exponent
          ? number.toExponential()
          : String(number)
        : String(number).replace('inity', '');
    const escaped = (text: string): string =>
      text
        .replaceAll('\\', String.raw`\\`)
        .replaceAll('"', String.raw`\"`)
        .replaceAll('\n', String.raw`\n`);
    fc.assert(
      fc.property(fc.array(sample), (samples) => {
        const text = samples
          .map(({ name: of, labels, value: number, space: s, gap: g, timestamp, exponent, comment }) => {
            const inside = Object.entries(labels).map(([label, is]) => `${s}${label}${s}=${s}"${escaped(is)}"`);
            const braces = inside.length === 0 ? '' : `{${inside.join(`${s},`)}${s}}`;
            const before = comment === null ? '' : `${comment}\n`;
            return `${before}${s}${of}${braces}${g}${written(number, exponent)}${timestamp === null ? '' : g + timestamp}\n`;
          })
          .join('');
        assert.deepEqual(
          parseMetrics(text, all, asIs).map(({ labels, ...rest }) => ({ ...rest, labels: JSON.parse(labels) })),
          samples.map(({ name: of, labels, value: number }) => ({
            name: of,
            value: Object.is(number, -0) ? 0 : number,
            labels,
          })),
        );
      }),
    );
  });
});

describe('names', () => {
  const told = (...names: string[]) => byMetric(names.map((name, value) => ({ name, labels: '{}', value })));

  it('old and new, with and without _total, of vLLM and SGLang, are one metric', () => {
    for (const [metric, names] of [
      ['kv_usage', ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc', 'sglang:token_usage']],
      ['cache_hits', ['vllm:prefix_cache_hits_total', 'vllm:gpu_prefix_cache_hits', 'sglang:cached_tokens_total']],
      ['ttft', ['vllm:time_to_first_token_seconds_bucket', 'sglang:time_to_first_token_seconds_sum']],
      ['itl', ['sglang:inter_token_latency_seconds_count', 'vllm:time_per_output_token_seconds_bucket']],
    ] as const)
      for (const name of names) assert.deepEqual([...told(name).keys()], [metric], name);
  });

  it('of one metric under two names the newer counts, and all its series', () => {
    const found = told(
      'vllm:gpu_cache_usage_perc',
      'vllm:kv_cache_usage_perc',
      'vllm:kv_cache_usage_perc',
      'vllm:num_requests_waiting',
      'vllm:num_requests_waiting_by_reason',
    );
    assert.deepEqual(
      [...found].map(([metric, samples]) => [metric, samples.map(({ value }) => value)]),
      [
        ['kv_usage', [1, 2]],
        ['waiting', [3]],
      ],
    );
  });

  it('of several endpoints each counts under the name that it has', () => {
    const at = (name: string, endpoint: number, value: number): ServerSample => ({
      name,
      labels: JSON.stringify({ ...endpointLabels(endpoint), engine: '0' }),
      value,
    });
    const found = byMetric([
      at('vllm:kv_cache_usage_perc', 0, 1),
      at('vllm:gpu_cache_usage_perc', 0, 2),
      at('sglang:token_usage', 1, 3),
    ]);
    assert.deepEqual(
      found.get('kv_usage')?.map(({ value }) => value),
      [1, 3],
    );
  });

  it('what no page of ours names is not kept', () => {
    for (const name of ['python_gc_objects_collected_total', 'vllm:request_success_created', 'http_requests_total'])
      assert.equal(isKept(name), false, name);
    for (const name of ['vllm:iteration_tokens_total_bucket', 'vllm:cache_config_info', 'vllm:request_success_total'])
      assert.equal(isKept(name), true, name);
    assert.deepEqual([...told('vllm:request_success_total').keys()], []);
  });
});
