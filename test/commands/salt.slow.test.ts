import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { z } from 'zod';
import { openTarget, run } from '../../src/index.ts';
import { cli, temporaryFolder } from '../cli.ts';
import { maxTokens, serve, streamTokens, type TestServer } from '../servers.ts';
import { readRunFile } from '../written-files.ts';

const folder = temporaryFolder();
const servers: TestServer[] = [];
after(() => Promise.all(servers.map(({ close }) => close())));

/** Two requests that share their first block, one of the id that the first warm-up request has, and one by itself. */
const trace = join(folder, 'trace.rtrace.jsonl');
const rows = [
  { id: 'a', t_us: 0, input_tokens: 40, output_tokens: 2, blocks: [1, 2, 3] },
  { id: 'b', t_us: 1000, input_tokens: 40, output_tokens: 2, blocks: [1, 4, 5] },
  { id: 'warm-up-0', t_us: 2000, input_tokens: 40, output_tokens: 2 },
];
writeFileSync(trace, [{ reprise_trace: 1, block_size: 16 }, ...rows].map((row) => `${JSON.stringify(row)}\n`).join(''));

const ids = z.object({ prompt: z.array(z.number()) }).transform(({ prompt }) => prompt.map(String));
const texts = z
  .object({ messages: z.tuple([z.object({ content: z.string() })]) })
  .transform(({ messages }) => messages[0].content.split(' '));
const prompts = z.union([ids, texts]);

const shared = (a: readonly string[], b: readonly string[]): number => {
  const at = a.findIndex((token, i) => token !== b[i]);
  return at < 0 ? a.length : at;
};

async function server(): Promise<TestServer> {
  const made = await serve((_index, _request, response, body) => void streamTokens(response, maxTokens(body), 0));
  servers.push(made);
  return made;
}

/** The prompts that a server has seen since `from`, by the end of the id of their requests. */
function promptsOf({ seen }: TestServer, from = 0): ReadonlyMap<string, readonly string[]> {
  const posts = seen.slice(from).filter(({ path }) => path.endsWith('completions'));
  const ofRun = /^.*?-(?=a$|b$|warm-up|prompt-length)/;
  return new Map(
    posts.map(({ headers, body }) => [String(headers['x-request-id']).replace(ofRun, ''), prompts.parse(body)]),
  );
}

describe('the salt of a run', { concurrency: 2 }, () => {
  it('is new for each run and kept in run.json: no prompt begins like one of another run', async () => {
    const target = await server();
    const seen: ReadonlyMap<string, readonly string[]>[] = [];
    const digests: string[] = [];
    for (const name of ['one', 'two', 'again']) {
      const out = join(folder, name);
      const from = target.seen.length;
      const given = { workload: trace, target: target.url.href, out };
      if (name !== 'again') await run(given);
      else {
        const salt = readRunFile(join(folder, 'two')).salt ?? assert.fail('no salt');
        const { code, stderr } = await cli('run', trace, '--target', target.url.href, '--salt', salt, '--out', out);
        assert.equal(code, 0, stderr);
      }
      seen.push(promptsOf(target, from));
      digests.push(readRunFile(out).plan_sha256);
    }
    const [one, two, again] = seen;
    assert.ok(one !== undefined && two !== undefined && again !== undefined);
    assert.equal(one.size, 3);
    assert.ok(shared(one.get('a') ?? [], two.get('a') ?? []) < 2);
    assert.ok(shared(one.get('warm-up-0') ?? [], two.get('warm-up-0') ?? []) < 2);
    assert.equal(shared(two.get('a') ?? [], two.get('b') ?? []), 16, 'inside of a run as the trace says');
    assert.deepEqual(again, two, '--salt repeats the prompts');
    assert.notEqual(readRunFile(join(folder, 'one')).salt, readRunFile(join(folder, 'two')).salt);
    assert.equal(new Set(digests).size, 1, 'the load is the same');
  });

  it('the requests before a run have prompts of their own, and other ones for each run', async () => {
    const target = await server();
    const options = { workload: trace, target: target.url.href, endpoint: 'chat', warmupRequests: 1 } as const;
    const bodies: (readonly string[])[][] = [];
    for (const name of ['before-one', 'before-two']) {
      const from = target.seen.length;
      const { manifest } = await run({ ...options, out: join(folder, name) });
      assert.match(manifest.salt ?? '', /^[\da-f]{12}$/);
      bodies.push(
        target.seen
          .slice(from)
          .filter(({ path }) => path.endsWith('completions'))
          .map(({ body }) => prompts.parse(body)),
      );
    }
    const [one = [], two = []] = bodies;
    // Two texts that measure, one of a single word; the warm-up request; three of the run, of which two share a block.
    assert.deepEqual([one.length, two.length], [6, 6]);
    const all = [...one.slice(1, 4), ...one.slice(5), ...two.slice(1, 4), ...two.slice(5)];
    for (const [i, a] of all.entries()) for (const b of all.slice(i + 1)) assert.ok(shared(a, b) <= 3, `${a} / ${b}`);
  });

  it('each run against an open target has its own, unless the program gives one', async () => {
    const target = await server();
    const open = await openTarget({ target: target.url.href });
    try {
      const salts: (string | null)[] = [];
      for (const salt of [undefined, undefined, 'mine'])
        salts.push(
          (
            await run({
              workload: trace,
              target: open,
              out: join(folder, `open-${salts.length}`),
              ...(salt && { salt }),
            })
          ).manifest.salt,
        );
      assert.equal(new Set(salts).size, 3);
      assert.equal(salts[2], 'mine');
    } finally {
      await open.close();
    }
  });
});
