import { commandKeys } from '../core/command-keys.ts';
import { environmentKeys, isKeyName, keysIn, queryValues, SHORTEST_KEY } from '../core/secrets.ts';
import type { TargetConfig } from './target-spec.ts';

/**
 * The keys that a target is given besides its headers: of the queries of all its endpoints, of the body, and of a server
 * that is started, whose command and environment hold its own.
 */
export function targetKeys({ spec, body, start }: TargetConfig): readonly string[] {
  const keys = [
    ...(spec.kind === 'server' ? spec.endpoints.flatMap(({ query }) => queryValues(query)) : []),
    ...keysIn(body.extra),
    ...(start === null ? [] : [...commandKeys(start.command), ...environmentKeys(process.env)]),
  ];
  return keys.filter((key) => key !== '');
}

/** Warnings about keys that are too short to be told from other texts, a sentence each. */
export function shortKeyWarnings({ spec, headers, body }: TargetConfig): string[] {
  const named: (readonly [where: string, key: string])[] = [
    ...Object.entries(headers)
      .filter(([name]) => isKeyName(name))
      .map(([name, value]) => [`the header ${name}`, value.replace(/^\S+\s+(?=\S+$)/, '')] as const),
    ...(spec.kind === 'server' ? spec.endpoints : []).flatMap(({ query }) =>
      [...new URLSearchParams(query)]
        .filter(([name]) => isKeyName(name))
        .map(([, value]) => ['the URL', value] as const),
    ),
    ...keysIn(body.extra).map((key) => ['--extra-body', key] as const),
  ];
  const short = named.filter(([, key]) => key !== '' && key.length < SHORTEST_KEY).map(([where]) => where);
  return [...new Set(short)].map(
    (where) =>
      `the key of ${where} has fewer than ${SHORTEST_KEY} characters: where the server sends it back it is not hidden, neither in files nor in messages`,
  );
}
