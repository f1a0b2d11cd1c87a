#!/usr/bin/env node
// The version is checked before anything else is loaded: an old Node would fail on the first import instead.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`error: reprise needs Node 22.19 or newer; this is ${process.version}\n`);
  process.exitCode = 2;
} else {
  const { main } = await import('./commands/main.ts');
  process.exitCode = await main(process.argv.slice(2));
}
