// Whether `reprise probe` finds the requests/s that wrk finds: both load the same routes of a server with the same
// requests at the same connections, alternating. Usage: node scripts/bench/front-end.ts URL [connections,...] [seconds]
// [rounds]. It fails where medians are more than 20 % apart, unless the probe says that its client was the limit. wrk is
// a package of Debian.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { frontEndRoutes, measureFrontEnd, type FrontEndRoute } from '../../src/probe/front-end.ts';
import { identify } from '../../src/probe/identify.ts';
import { defineTarget } from '../../src/run/run-options.ts';
import { accessOf } from '../../src/target/open-target.ts';
import { promptMaker } from '../../workloads/index.ts';

const WITHIN = 0.2;
const PAUSE_MS = 300;
const [url = 'http://127.0.0.1:8000', given = '1,8,64', seconds = '3', rounds = '3'] = process.argv.slice(2);
const connections = given.split(',').map(Number);

const target = defineTarget({ target: url });
if (target.spec.kind === 'engine') throw new Error(`${url} is no server`);
const requests = { id: `wrk-${process.pid}`, prompts: promptMaker({ seed: 1, blockTokens: null }) };
const identified = await identify(accessOf(target.spec.endpoints[0], target), target, requests);
const routes = await frontEndRoutes(identified.access, identified.working, requests);
const folder = mkdtempSync(join(tmpdir(), 'reprise-wrk-'));
let isApart = false;
try {
  for (const route of routes) for (const count of connections) await compare(route, count);
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = isApart ? 1 : 0;

async function compare(route: FrontEndRoute, count: number): Promise<void> {
  const [ours, theirs]: [number[], number[]] = [[], []];
  let isBound = false;
  for (let round = 0; round < Number(rounds); round++) {
    const options = { connections: [count], loadS: Number(seconds) };
    const found = await measureFrontEnd(identified.access, [route], options, () => undefined);
    const [load] = found.routes[0]?.loads ?? [];
    if (load === undefined) {
      console.log(`${route.route}: ${'why' in route.request ? route.request.why : 'no load'}`);
      return;
    }
    isBound ||= load.client_bound;
    ours.push(load.requests_per_s);
    await sleep(PAUSE_MS);
    theirs.push(byWrk(route, count));
    await sleep(PAUSE_MS);
  }
  const ratio = median(ours) / median(theirs);
  const isFar = !isBound && Math.abs(ratio - 1) > WITHIN;
  isApart ||= isFar;
  console.log(
    `${route.route} at ${count}: probe ${text(ours)}, wrk ${text(theirs)}, ratio ${ratio.toFixed(2)}${isBound ? ', client-bound' : ''}${isFar ? ', APART' : ''}; load ${loadavg()[0]?.toFixed(1)}`,
  );
}

/** Requests/s by wrk with the requests of the probe, each with an id of its own. */
function byWrk({ request }: FrontEndRoute, count: number): number {
  if ('why' in request) return Number.NaN;
  const script = join(folder, 'request.lua');
  const quoted = (part: string): string => JSON.stringify(part);
  const headers = Object.entries(request.headers).map(
    ([name, value]) => `  headers[${quoted(name)}] = with(${quoted(value)})`,
  );
  writeFileSync(
    script,
    [
      'local n = 0',
      `local function with(s) return (s:gsub("%[<id>%]", string.format("%033d", n))) end`,
      'request = function()',
      '  n = n + 1',
      '  local headers = {}',
      ...headers,
      `  return wrk.format(${quoted(request.method)}, nil, headers, ${request.body === null ? 'nil' : `with(${quoted(request.body)})`})`,
      'end',
    ].join('\n'),
  );
  const args = ['-t1', `-c${count}`, `-d${seconds}s`, ...(request.body === null ? [] : ['-s', script]), request.url];
  const out = execFileSync('wrk', args, { encoding: 'utf8' });
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(out)?.[1];
  if (rate === undefined || /Non-2xx/.test(out)) throw new Error(out);
  return Number(rate);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function text(rates: readonly number[]): string {
  return `${median(rates).toFixed(0)}/s (${rates.map((rate) => rate.toFixed(0)).join(', ')})`;
}
