/** A text of JSON, with the colon behind it where it is a key, or a bracket; and where it begins. */
export interface JsonPart {
  readonly part: string;
  readonly at: number;
}

/**
 * The texts and brackets of a JSON text, as far as its last text ends. By hand: a pattern for texts needs stack for each
 * character or escape, of which an image has more than there is stack for.
 */
export function* jsonParts(json: string): Generator<JsonPart> {
  const marks = /["{}[\]]/g;
  for (let mark = marks.exec(json); mark !== null; mark = marks.exec(json)) {
    const { 0: part, index: at } = mark;
    if (part !== '"') {
      yield { part, at };
      continue;
    }
    let end = json.indexOf('"', at + 1);
    while (end !== -1 && isEscaped(json, end)) end = json.indexOf('"', end + 1);
    if (end === -1) return;
    let next = end + 1;
    while (json[next] === ' ' || json[next] === '\t' || json[next] === '\r') next++;
    marks.lastIndex = json[next] === ':' ? next + 1 : end + 1;
    yield { part: json.slice(at, marks.lastIndex), at };
  }
}

/** Whether an odd number of backslashes stands before a quote. */
function isEscaped(json: string, quote: number): boolean {
  let from = quote;
  while (json[from - 1] === '\\') from--;
  return (quote - from) % 2 === 1;
}

/** The text of a part that is a key. */
export function keyIn(part: string): string {
  return String(JSON.parse(part.slice(0, part.lastIndexOf('"') + 1)));
}
