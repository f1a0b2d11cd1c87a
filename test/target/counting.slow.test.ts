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
    ['usage_each_own', 'as one a chunk (its usage stands still while text comes), settled by the usage at the end'],
    ['usage_one_behind', 'as one a chunk (its usage stands still while text comes)'],
    ['usage_falling', 'as one a chunk (its usage falls)'],
    ['usage_double', 'as one a chunk (its usage exceeds what was asked for)'],
  ];
  for (const [name, counted] of cases)
    it(name, async () => {
      const infos: string[] = [];
      const log = { info: (text: string) => void infos.push(text), warn: () => undefined };
      const target = await openTarget({ target: server.urlOf(name).href, endpoint: 'chat' }, { log });
      await target.close();
      const said = /tokens are counted (.*)$/m.exec(infos.join('\n'))?.[1];
      assert.equal(said, counted);
    });
});
