import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { storeCertificate } from '../../src/calibrate/files.ts';
import { certificateKey, storedCertificate } from '../../src/certificate/stored.ts';
import { UserError } from '../../src/core/errors.ts';
import type { Certificate } from '../../src/schema/certificate.ts';
import { EXAMPLE_CERTIFICATE, exampleCertificate } from '../certificate/example-certificate.ts';
import { temporaryFolder } from '../cli.ts';

/** A certificate of the machine on which the test runs. */
const here = (certificate: Certificate): Certificate => ({ ...certificate, ...certificateKey('plain') });

test('a certificate by which nothing can be timed takes the place of none, and not of one by which something can', async () => {
  process.env['XDG_STATE_HOME'] = temporaryFolder();
  const nothing = here(exampleCertificate([{ axis: 'tokens_per_s', points: [[5000, 9, 0.1]] }]));
  await storeCertificate(nothing);
  assert.deepEqual(storedCertificate('plain'), nothing);
  const good = here(EXAMPLE_CERTIFICATE);
  const { json, page } = await storeCertificate(good);
  assert.ok(existsSync(json) && existsSync(page));
  await assert.rejects(storeCertificate(nothing), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.match(
      error.message,
      /^no number of tokens\/s, requests\/s and open streams was within 1\.00 ms, and by that of /,
    );
    assert.ok(error.message.includes(`${good.calibrated_at} some was`) && error.message.includes(json));
    return true;
  });
  assert.deepEqual(storedCertificate('plain'), good);
  const less = here(exampleCertificate([{ axis: 'tokens_per_s', points: [[5000, 0.5, 0.1]] }]));
  const worse = { ...less, max_requests_per_s: 1, max_streams: 1 };
  await storeCertificate(worse);
  assert.deepEqual(storedCertificate('plain'), worse, 'a lower limit is a finding');
  const other = { ...worse, max_requests_per_s: 0, max_streams: 5000 };
  await storeCertificate(other);
  assert.deepEqual(storedCertificate('plain'), other, 'and so is a higher one beside it');
  const lucky = { ...nothing, max_streams: 6000 };
  await storeCertificate(good);
  await assert.rejects(storeCertificate(lucky), /^UserError: no number of tokens\/s and requests\/s was within/);
});
