/** What a trace must tell of each request. */
type Role = 'time' | 'input' | 'output';

const UNITS: Readonly<Record<string, RegExp>> = {
  s: /_s(?:ecs?|econds?)?$/,
  ms: /_m(?:s|secs?|illis|illiseconds?)$/,
  us: /_u(?:s|secs?)$|_micro(?:s|seconds?)$/,
  ns: /_ns$|_nano(?:s|seconds?)$/,
};
export type NamedUnit = 's' | 'ms' | 'us' | 'ns';

/** Names that programs give to the time at which a request came. */
const TIMES =
  /^(?:(?:arrival|arrived|start|started|created|creation|submitted|received|sent)(?:_(?:time|timestamp|at|date|ts))?|request_(?:time|timestamp|at|ts)|time_?stamp|time|date_?time|ts)$/;
/** Lengths that are surely tokens: `prompt_len` may be characters. */
const lengthNames = (words: string, others: string): RegExp =>
  new RegExp(`^(?:(?:n|num|total|usage|gen_ai_usage)_)?(?:${words})_tokens?(?:_(?:count|total))?$|^(?:${others})$`);
const INPUTS = lengthNames('input|prompt|context|request|prefill', 'input_length|isl');
const OUTPUTS = lengthNames('output|completion|generated|generation|response|decode', 'output_length|osl');

/** `startTime`, `Request tokens` -> `start_time`, `request_tokens`. */
export function normalName(name: string): string {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z\d]+/g, '_')
    .replaceAll(/^_|_$/g, '');
}

/** The unit in which a time's name says that it counts; null where it says none. */
export function namedUnit(name: string): NamedUnit | null {
  const normal = normalName(name);
  return (['s', 'ms', 'us', 'ns'] as const).find((unit) => UNITS[unit]?.test(normal)) ?? null;
}

/** The same without the unit at its end. */
function withoutUnit(normal: string): string {
  const unit = namedUnit(normal);
  return unit === null ? normal : normal.replace(UNITS[unit] ?? '', '');
}

/** Other roles: what programs call them, without a unit. */
const OTHERS: Readonly<Record<Exclude<GuessedRole, Role>, RegExp>> = {
  id: /^(?:id|request_id|req_id|call_id)$/,
  session: /^(?:session|conversation|conv|chat_session|thread|dialog|dialogue)(?:_(?:id|uuid|hash))?$/,
  turn: /^(?:turn|round)(?:_(?:index|idx|id|number|no))?$/,
  parent: /^parent(?:_request)?_id$/,
  class: /^(?:slo_class|class|request_class|log_type)$/,
  user: /^(?:user|user_id|end_user|tenant|tenant_id|customer|customer_id|client_id)$/,
  ttft: /^(?:ttft|time_to_first_token|completion_start_time)$/,
  e2e: /^(?:e2e|e2e_latency|latency|request_latency|duration|response_time|elapsed|elapsed_time|end_time|ended_at|finished_at|completed_at)$/,
  cached: /^(?:cached_tokens|cache_read_tokens|cache_read_input_tokens|cached_input_tokens|input_cached_tokens)$/,
  images: /^(?:num_images|n_images|image_count)$/,
  blocks: /^(?:hash_ids|block_ids|block_hashes)$/,
};

/** What names tell of a request: all but the model, which a server may not have, and the branch of a session. */
export type GuessedRole =
  | Role
  | 'id'
  | 'session'
  | 'turn'
  | 'parent'
  | 'class'
  | 'user'
  | 'ttft'
  | 'e2e'
  | 'cached'
  | 'images'
  | 'blocks';

/** The names that could be a role's: columns, or paths through objects, whose last part alone may say it. */
export function namesOf(role: GuessedRole, names: readonly string[]): string[] {
  return names.filter((name) => [name, name.slice(name.lastIndexOf('.') + 1)].some((part) => isNameOf(role, part)));
}

function isNameOf(role: GuessedRole, name: string): boolean {
  const normal = normalName(name);
  if (role === 'time') return TIMES.test(withoutUnit(normal));
  if (role === 'input') return INPUTS.test(normal);
  if (role === 'output') return OUTPUTS.test(normal);
  return OTHERS[role].test(withoutUnit(normal));
}
