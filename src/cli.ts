#!/usr/bin/env node
import module from 'node:module';

// The version is checked before other modules are loaded: an old Node would fail on their first import instead.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`error: reprise needs Node 22.19 or newer; this is ${process.version}\n`);
  process.exitCode = 2;
} else {
  // The compile cache stays in the system's folder for temporary files: the next start takes half the time.
  module.enableCompileCache();
  await import('./core/find-modules.ts');
  const { main } = await import('./commands/main.ts');
  const code = await main(process.argv.slice(2));
  process.exitCode ||= code;
  // 130 and 143: what a signal made the command give up, such as reading a trace, must not hold the process.
  if (code > 128) process.exit();
}
