/** A text up to the end of its first line that is not blank, and what follows; `first` is empty where there is none. */
export async function firstLine(
  text: AsyncIterable<string>,
): Promise<{ readonly first: string; readonly rest: AsyncGenerator<string> }> {
  const chunks = text[Symbol.asyncIterator]();
  let head = '';
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) return { first: head, rest: following('', chunks) };
    head += next.value;
    const begins = head.search(/[^\s\uFEFF]/);
    const end = begins === -1 ? -1 : head.indexOf('\n', begins);
    if (end !== -1) return { first: head.slice(0, end + 1), rest: following(head.slice(end + 1), chunks) };
  }
}

/** Ends its source also where it is left early. */
async function* following(begin: string, chunks: AsyncIterator<string>): AsyncGenerator<string> {
  try {
    if (begin !== '') yield begin;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  } finally {
    await chunks.return?.();
  }
}

export async function* joined(first: string, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
