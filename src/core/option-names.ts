import type { z } from 'zod';

/** A line for each option that is wrong, named as the command line writes it (`--ttft-timeout`). */
export function optionErrors({ issues }: z.ZodError): string {
  return issues
    .map(({ path, message }) => (path.length === 0 ? message : `--${kebab(path.join('.'))}: ${message}`))
    .join('\n');
}

/** `ttftTimeout` -> `ttft-timeout`: the name of an option on the command line. */
export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
