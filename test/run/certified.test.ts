import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import {
  certificateFolder,
  certificateKey,
  certificateName,
  certificateProblem,
  storedCertificate,
} from '../../src/certificate/stored.ts';
import { certificateFor, certifiedRun, plannedLoad, warnBeyond } from '../../src/run/certified.ts';
import type { Certificate } from '../../src/schema/certificate.ts';
import type { ClientHealth } from '../../src/schema/manifest.ts';
import { parseTarget } from '../../src/target/target-spec.ts';
import { EXAMPLE_CERTIFICATE } from '../certificate/example-certificate.ts';
import { temporaryFolder } from '../cli.ts';

const state = temporaryFolder();

const OF_HERE: Certificate = { ...EXAMPLE_CERTIFICATE, ...certificateKey('plain') };

function store(certificate: Certificate, text = JSON.stringify(certificate)): void {
  mkdirSync(certificateFolder(), { recursive: true });
  writeFileSync(join(certificateFolder(), `${certificateName(OF_HERE)}.json`), text);
}

const client = (more: Partial<ClientHealth>): ClientHealth => ({
  duration_s: 60,
  machine_zero_us: 0,
  cpu_s: 10,
  polling_s: 1,
  reading_s: 5,
  core_wait_s: 0.1,
  event_loop_delay_ms: { p50: 0, p90: 0, p99: 0, max: 0 },
  stalls: [],
  gc: null,
  unread: null,
  mean_in_flight: 100,
  busiest_second: { tokens_per_s: 12_000, requests_per_s: 100, streams: 200 },
  ...more,
});

describe('the certificate of this machine', () => {
  let ofUser: string | undefined;
  before(() => {
    ofUser = process.env['XDG_STATE_HOME'];
    process.env['XDG_STATE_HOME'] = state;
  });
  afterEach(() => rmSync(certificateFolder(), { recursive: true, force: true }));
  after(() => {
    if (ofUser === undefined) delete process.env['XDG_STATE_HOME'];
    else process.env['XDG_STATE_HOME'] = ofUser;
  });

  it('is found where it was stored, and not where it is of anything else, or damaged', () => {
    assert.equal(storedCertificate('plain'), null);
    store(OF_HERE);
    assert.deepEqual(storedCertificate('plain'), OF_HERE);
    assert.equal(storedCertificate('undici'), null);
    store(EXAMPLE_CERTIFICATE);
    assert.equal(storedCertificate('plain'), null, 'of another machine');
    store(OF_HERE, '{"schema":1');
    assert.equal(storedCertificate('plain'), null);
  });

  it('says why one that is there is not gone by, and nothing where there is none', () => {
    assert.equal(certificateProblem('plain'), null);
    store(OF_HERE);
    assert.equal(certificateProblem('plain'), null);
    const name = `${certificateName(OF_HERE)}.json`;
    for (const text of ['', '{"schema":1', '{}', 'null', '\0'.repeat(100)]) {
      store(OF_HERE, text);
      const problem = certificateProblem('plain') ?? '';
      assert.ok(problem.includes(name) && problem.endsWith('reprise calibrate makes another'), problem);
    }
    rmSync(join(certificateFolder(), name));
    mkdirSync(join(certificateFolder(), name));
    assert.match(certificateProblem('plain') ?? '', /is a directory/);
    rmSync(join(certificateFolder(), name), { recursive: true });
    const outdated = { ...OF_HERE, versions: { ...OF_HERE.versions, node: '1.2.3' } };
    writeFileSync(join(certificateFolder(), 'plain-0.json'), JSON.stringify(outdated));
    assert.match(certificateProblem('plain') ?? '', /plain-0\.json: .* it is of Node 1\.2\.3 \(here /);
    assert.equal(certificateProblem('undici'), null);
    const elsewhere = { ...outdated, machine: { ...outdated.machine, host: 'another' } };
    writeFileSync(join(certificateFolder(), 'plain-0.json'), JSON.stringify(elsewhere));
    assert.equal(certificateProblem('plain'), null, 'of another machine that has the same home');
  });

  it('holds for servers without TLS in real time', () => {
    store(OF_HERE);
    const of = (target: string, clock: 'real' | 'virtual' = 'real'): boolean =>
      certificateFor({ spec: parseTarget(target), clock }) !== null;
    assert.equal(of('http://127.0.0.1:8000'), true);
    assert.equal(of('reference'), true);
    assert.equal(of('reference', 'virtual'), false);
    assert.equal(of('https://127.0.0.1:8000'), false);
    assert.equal(of('http://10.0.0.1:8000+https://10.0.0.2:8000'), false);
  });

  it('warns before a run of what its plan asks beyond, with a way out', () => {
    const warnings = (tokensPerS: number, isPolling = false, workers = 1): string[] => {
      const said: string[] = [];
      const load = plannedLoad({ busiest: { tokensPerS, requestsPerS: 10 } });
      warnBeyond(load, OF_HERE, { isPolling, workers }, { info: () => undefined, warn: (text) => said.push(text) });
      return said;
    };
    assert.deepEqual(warnings(40_000), []);
    assert.deepEqual(warnings(50_000, true), []);
    assert.deepEqual(warnings(50_000, false, 2), []);
    const [said = ''] = warnings(50_000);
    assert.match(said, /50,000 tokens\/s \(certified: 40,000\).*--workers.*--rate.*another machine/);
    assert.deepEqual(plannedLoad({}), { tokens_per_s: null, requests_per_s: null, streams: null });
  });

  it('says of a run how true its clock was at what its client had to do', () => {
    const found = certifiedRun(OF_HERE, client({}));
    assert.equal(found?.poll, 'off');
    assert.deepEqual(found.beyond, []);
    assert.deepEqual(found.timestamp_error_us, { p50: 100, p99: 300 });
    const polled = certifiedRun(OF_HERE, client({ polling_s: 40 }));
    assert.equal(polled?.poll, 'on');
    assert.equal(polled.timestamp_error_us?.p99, 100);
    const busy = certifiedRun(
      OF_HERE,
      client({ busiest_second: { tokens_per_s: 90_000, requests_per_s: 1, streams: 1 } }),
    );
    assert.deepEqual(busy?.beyond, ['90,000 tokens/s (certified: 40,000)']);
    assert.equal(busy.timestamp_error_us, null, 'so much was not tried');
    const shared = { tokens_per_s: 60_000, requests_per_s: 100, streams: 200 };
    assert.deepEqual(certifiedRun(OF_HERE, client({ busiest_second: shared }), 2)?.timestamp_error_us?.p99, 800);
    assert.equal(certifiedRun(null, client({})), undefined);
    assert.equal(certifiedRun(OF_HERE, null), undefined);
    const { busiest_second: _, ...older } = client({});
    assert.equal(certifiedRun(OF_HERE, older), undefined);
  });
});
