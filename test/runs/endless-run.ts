/** Writes records until it is killed, and says on stdout what it hands to its store. */
import { openRecordStore } from '../../src/runs/record-store.ts';
import { exampleRecord } from './example-records.ts';

const dir = process.argv[2] ?? '';
const store = await openRecordStore(dir, { worker: 0, journal: true });

const times = Float64Array.from({ length: 200 }, (_, i) => 100_000 + i * 20_000);
const IN_FLIGHT = 200;
let next = 0;

setInterval(() => {
  // 2,000 requests and 400,000 tokens a second: a part every 250 ms.
  const ids = Array.from({ length: 20 }, (_, i) => next + i);
  next += ids.length;
  const sent = ids.map((id) =>
    exampleRecord({ request_id: `r${id}`, outcome: 'cut', token_times_us: new Float64Array(0) }),
  );
  const finished = ids
    .filter((id) => id >= IN_FLIGHT)
    .map((id) => exampleRecord({ request_id: `r${id - IN_FLIGHT}`, token_times_us: times }));
  store.sent(sent);
  if (finished.length > 0) store.finished(finished);
  const lines = [
    ...sent.map((record) => `${record.request_id} sent\n`),
    ...finished.map((record) => `${record.request_id} finished\n`),
  ];
  process.stdout.write(lines.join(''));
}, 10);
