import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeCodec, type CodecOptions } from '../../adapters/index.ts';
import { parseJson } from '../../adapters/json.ts';
import { ProtocolError } from '../../src/core/codec.ts';
import { promptMaker } from '../../workloads/index.ts';

const prompts = promptMaker({ seed: 1, blockTokens: null });
const request = { id: 'r', traceRow: 0, dueUs: 0, inputTokens: 5, outputTokens: 8 };
const DIALECTS: readonly (readonly [adapter: string, endpoint: CodecOptions['endpoint']])[] = [
  ['openai', 'completions'],
  ['openai', 'chat'],
  ['vllm', 'completions'],
  ['sglang', 'generate'],
  ['distserve', 'generate'],
];

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const inObjects = (depth: number): string => `${'{"error":'.repeat(depth)}"x"${'}'.repeat(depth)}`;

describe('JSON that is nested without end is no fault of ours', () => {
  for (const [adapter, endpoint] of DIALECTS)
    it(`in an answer and a refusal of ${adapter}, ${endpoint}`, () => {
      const codec = makeCodec(adapter, { endpoint, model: 'm', runId: 'r' }, prompts);
      for (const depth of [4000, 50_000])
        for (const json of [
          nested(depth),
          inObjects(depth),
          `{"error":${nested(depth)}}`,
          `{"choices":${nested(depth)}}`,
          `{"text":${inObjects(depth)}}`,
        ]) {
          assert.equal(typeof codec.errorMessage(json), 'string');
          const decoder = codec.decoder(request, { tokens: () => undefined });
          try {
            decoder.push(Buffer.from(adapter === 'distserve' ? json : `data: ${json}\n\n`));
            assert.ok(decoder.error !== null || decoder.end() !== null);
          } catch (thrown) {
            assert.ok(thrown instanceof ProtocolError, String(thrown));
          }
        }
    });

  it('and what is nested as answers are is read, brackets in texts too', () => {
    const value = { text: '[{"'.repeat(1000), deep: JSON.parse(nested(900)) as unknown };
    assert.deepEqual(parseJson(JSON.stringify(value)), value);
    assert.throws(() => parseJson(nested(1001)), SyntaxError);
  });
});
