import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openTarget } from '../../src/index.ts';
import { serveOddStreams, type OddServer } from '../odd-streams.ts';

let server: OddServer;
before(async () => {
  server = await serveOddStreams();
});
after(() => server.close());

describe('the line at the start says how tokens are counted, and why', () => {
  const cases: [name: string, counted: string][] = [
    ['usage_cumulative_multi', 'by the usage in each chunk, which grows with the text'],
    ['plain', 'as one a chunk (chunks tell neither ids nor usage), settled by the usage at the end'],
    ['carrier_unknown', 'as one a chunk (chunks tell neither ids nor usage)'],
    [
      'ids_so_far',
      'as one a chunk (its token ids exceed what was asked for, and its texts and usage do not), settled by the usage at the end',
    ],
    ['usage_each_own', 'as one a chunk (its usage stands still while text comes), settled by the usage at the end'],
    ['usage_one_behind', 'as one a chunk (its usage stands still while text comes)'],
    ['usage_falling', 'as one a chunk (its usage falls)'],
    ['usage_double', 'as one a chunk (its usage exceeds what was asked for)'],
  ];
  const lineOf = async (name: string): Promise<string> => {
    const infos: string[] = [];
    const log = { info: (text: string) => void infos.push(text), warn: () => undefined };
    const target = await openTarget({ target: server.urlOf(name).href, endpoint: 'chat' }, { log });
    await target.close();
    return infos.join('\n');
  };
  for (const [name, counted] of cases)
    it(name, async () => assert.equal(/tokens are counted (.*)$/m.exec(await lineOf(name))?.[1], counted));
  it('says so where no text was seen', async () => assert.match(await lineOf('tokens_only_claimed'), /held no text/));
});
