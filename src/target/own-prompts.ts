import { ADAPTERS, type ApiEndpoint } from '../../adapters/index.ts';
import { UserError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { OwnPrompts, Plan } from '../core/plan.ts';
import { withThousands } from '../core/units.ts';
import type { ServerDialect } from './negotiate.ts';

/** The endpoint that takes the prompts of a trace as they are, where the user names none; null: any does. */
export function preferredEndpoint(plan: Plan | null): ApiEndpoint | null {
  const own = plan?.stats.ownPrompts;
  if (own === undefined) return null;
  if (own.messages + own.chatBodies > 0) return 'chat';
  return own.promptBodies > 0 ? 'completions' : null;
}

/** Whether every request of a plan has a prompt of the trace's own: none is drawn. */
export function areAllOwn({ stats: { requests, ownPrompts } }: Plan): boolean {
  if (ownPrompts === undefined) return false;
  const { texts, ids, messages, chatBodies, promptBodies } = ownPrompts;
  return texts + ids + messages + chatBodies + promptBodies === requests;
}

/**
 * Throws a UserError, before any request is sent, where an endpoint does not take the prompts that the trace has; says
 * what becomes of messages where a server has no chat, and of models that it does not serve.
 */
export function checkOwnPrompts(plan: Plan, dialect: ServerDialect, log: Log): void {
  const { source, stats } = plan;
  const { models, model, adapter } = dialect;
  const unserved = stats.models?.filter((name) => models?.includes(name) === false) ?? [];
  if (unserved.length > 0 && ADAPTERS[adapter]?.namesNoModel !== true)
    log.warn(
      `${source.name} names ${unserved.length === 1 ? 'a model' : 'models'} that the server does not list (${listed(unserved)}): such requests ask for ${model}`,
    );
  const own = stats.ownPrompts;
  if (own === undefined) return;
  for (const { count, what, wayOut } of untakeable(own, dialect))
    if (count > 0)
      throw new UserError(
        `${source.name}: ${what} (${withThousands(count)} of ${withThousands(stats.requests)} requests), which ${adapter}'s ${dialect.endpoint} endpoint does not take: ${wayOut}`,
      );
  if (own.messages > 0 && !hasChat(dialect))
    log.warn(`${adapter} has no chat: messages are sent as one text, a part each, without the model's chat template`);
}

interface Untakeable {
  readonly count: number;
  readonly what: string;
  readonly wayOut: string;
}

function untakeable(own: OwnPrompts, dialect: ServerDialect): Untakeable[] {
  const { adapter, endpoint, capabilities } = dialect;
  const to = (other: ApiEndpoint): string =>
    ADAPTERS[adapter]?.endpoints.includes(other) === true
      ? `write --endpoint ${other}`
      : `adapter ${adapter} speaks ${ADAPTERS[adapter]?.endpoints.join(' or ') ?? 'no other'}; name a server with ${other}`;
  const chat = { what: 'its prompts are messages of a chat', wayOut: to('chat') };
  const bodies = { what: 'its prompts are bodies of chats', wayOut: to('chat') };
  const completions = { what: 'its prompts are bodies of completions', wayOut: to('completions') };
  const ids = { what: 'its prompts are token ids' };
  if (endpoint === 'chat')
    return [
      { ...completions, count: own.promptBodies },
      { ...ids, count: own.ids, wayOut: to('completions') },
    ];
  const takesIds = capabilities === null || capabilities.tokenIdPrompts;
  return [
    { ...chat, count: hasChat(dialect) ? own.messages : 0 },
    { ...bodies, count: own.chatBodies },
    { ...completions, count: endpoint === 'completions' ? 0 : own.promptBodies },
    { ...ids, count: takesIds ? 0 : own.ids, wayOut: 'the server takes texts alone; replay the lengths of the trace' },
  ];
}

function hasChat({ adapter }: ServerDialect): boolean {
  return ADAPTERS[adapter]?.endpoints.includes('chat') === true;
}

const MOST_LISTED = 5;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_LISTED).map((name) => JSON.stringify(name.slice(0, 60)));
  return shown.join(', ') + (names.length > MOST_LISTED ? ` and ${names.length - MOST_LISTED} more` : '');
}
