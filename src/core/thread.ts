import { workerData } from 'node:worker_threads';

// The first file of every worker thread (`startWorker`): what it serves is imported once modules are found as in the main
// thread.
await import('./find-modules.ts');
await import(workerData.file);
