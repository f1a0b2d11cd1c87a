import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const CODE = ['src', 'adapters', 'workloads', 'reports'];

/** What only some files may hold, so that a text has one way in, and one way out. */
const ONE_WAY: readonly {
  readonly what: string;
  readonly code: RegExp;
  readonly files: readonly string[];
  readonly others?: readonly string[];
}[] = [
  {
    what: 'the terminal is written to',
    code: /process\s*\.\s*(stdout|stderr)\b|\bconsole\s*\.|process\s*\[|node:tty|from 'node:console'/,
    // `cli.ts` before anything is loaded, with a text of its own.
    files: ['src/commands/terminal.ts', 'src/cli.ts'],
  },
  {
    what: 'a server is asked',
    // Servers of ours are no clients: they hear requests alone.
    others: ['src/engine/server/', 'src/calibrate/truth-server.ts'],
    code: /from 'undici'|\/undici\.ts'|from 'autocannon'|from 'node:(http2?|https|net|tls)'|\/node-http\.ts'|getBuiltinModule\('node:http'\)|(?:await|return|=|\()\s*fetch\s*\(|new WebSocket/,
    files: [
      // The replay, whose texts pass `Wire.texts`, and what connects for it.
      'src/replay/http-client.ts',
      'src/replay/plain-client.ts',
      'src/replay/stamped-socket.ts',
      'src/replay/undici-client.ts',
      // The modules themselves, for those below.
      'src/core/node-http.ts',
      'src/core/undici.ts',
      // A server of this process.
      'src/replay/jit-warm-up.ts',
      'src/probe/load.ts',
      // Single requests, and pages of metrics.
      'src/serving/http-once.ts',
      'src/serving/scrape.ts',
      // Loads of a probe, whose failures pass `front-end.ts`; round trips, of which only times are kept.
      'src/probe/load-worker.ts',
      'src/probe/steady-client.ts',
      'src/probe/floor.ts',
      // Names of status codes and headers alone.
      'src/results/failures.ts',
      'src/run/headers.ts',
    ],
  },
  {
    what: 'a body of a server is read',
    others: ['src/engine/server/'],
    code: /\breadBody\s*\(|\.body\s*\.\s*(text|json|arrayBuffer|bytes|blob|formData)\s*\(|\b(response|reply)\s*\.\s*(text|json)\s*\(/,
    files: ['src/serving/http-once.ts', 'src/serving/scrape.ts', 'src/serving/read-body.ts'],
  },
  {
    what: 'pieces of bytes are put together, of which a sender may make a million,',
    code: /\bBuffer\s*\.\s*concat\s*\(/,
    files: [
      'src/core/gathered-bytes.ts',
      // Of pieces of our own, or a handful.
      'src/core/key-hider.ts',
      'src/runs/journal.ts',
      'adapters/json-objects.ts',
      'src/calibrate/truth-server.ts',
    ],
  },
  {
    what: 'a path is looked at, where a loop of links would be a fault of ours,',
    code: /\bf?statSync\s*\(/,
    files: [
      'src/core/read-within.ts',
      'src/core/own-file.ts', // what is written
      'src/runs/run-directory.ts', // where it is written
      'src/search/goodput/run-folders.ts', // a folder that was just found
      'workloads/open-source.ts', // says more of a trace
      'workloads/containers/trace-text.ts', // of a path that open-source.ts has looked at
      'src/serving/server-log.ts', // of an open file, as the next
      'src/runs/journal.ts',
    ],
  },
  {
    what: 'a file is read whole without a bound',
    code: /\breadFileSync\s*\(|\breadFile\s*\(/,
    files: [
      // Of the package, of the kernel, or just written by the same function.
      'src/core/version.ts',
      'src/core/kernel-file.ts',
      'src/runs/server-file.ts',
      'reports/html/page.ts',
      // From its parent.
      'src/serving/server-log-worker.ts',
    ],
  },
];

const files = CODE.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
);

/** Without comments, in which all may be named. */
function codeOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8').replaceAll(/\/\*.*?\*\/|(?<=^|\s)\/\/[^\n]*/gs, '');
}

describe('one way in, one way out', () => {
  const code = new Map(files.map((file) => [relative('.', file), codeOf(file)]));
  for (const { what, code: wanted, files: allowed, others = [] } of ONE_WAY)
    it(`${what} in its own place alone`, () => {
      const found = [...code]
        .filter(([file, text]) => wanted.test(text) && !others.some((folder) => file.startsWith(folder)))
        .map(([file]) => file);
      assert.deepEqual(
        found.filter((file) => !allowed.includes(file)),
        [],
      );
      assert.deepEqual(
        allowed.filter((file) => !found.includes(file)),
        [],
        'files that need no exception',
      );
    });
});
