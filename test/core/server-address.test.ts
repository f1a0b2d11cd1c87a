import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverAddress } from '../../src/core/server-address.ts';

test('one server has one address by all names of this machine and by any path', () => {
  const names = [
    'http://127.0.0.1:8000',
    'http://localhost:8000/v1/',
    'http://[::1]:8000?key=x',
    'https://0.0.0.0:8000',
  ];
  assert.deepEqual([...new Set(names.map(serverAddress))], ['localhost:8000']);
  assert.equal(serverAddress('http://gpu-1'), serverAddress('http://gpu-1:80/v1'));
  const others = [
    'http://127.0.0.1:8001',
    'http://gpu-1:8000',
    'http://10.0.0.1:8000',
    'https://gpu-1',
    'http://localhost.example:8000',
  ];
  assert.equal(new Set(others.map(serverAddress)).size, others.length);
});
