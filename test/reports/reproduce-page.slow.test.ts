import assert from 'node:assert/strict';
import { it } from 'node:test';
import { reproduceText, writeReproducedHtml, writeReproduceHtml } from '../../reports/index.ts';
import { EXAMPLE_EXPERIMENT, EXAMPLE_GALLERY } from './example-reproduced.ts';

/** Visible text, without scripts, style and tags. */
function textOf(page: string): string {
  return page
    .replaceAll(/<(script|style)\b.*?<\/\1>/gs, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

const { versions } = EXAMPLE_GALLERY;

it('text and page have the same shapes and distances; a page links to the gallery, and that to it', async () => {
  const text = reproduceText(EXAMPLE_GALLERY, { color: false });
  const page = await writeReproducedHtml(EXAMPLE_EXPERIMENT, versions);
  const index = await writeReproduceHtml(EXAMPLE_GALLERY);
  for (const words of [text, textOf(page)]) {
    for (const check of EXAMPLE_EXPERIMENT.parts.flatMap(({ checks }) => checks)) {
      assert.ok(words.includes(check.claim));
      assert.ok(words.includes(check.seen));
    }
    for (const cell of ['1.33 times less', 'within', 'second attains 90 % nowhere on the axis'])
      assert.ok(words.includes(cell), cell);
    assert.doesNotMatch(words, /null|NaN|undefined/);
  }
  assert.ok(page.includes('<a href="index.html">'));
  assert.ok(index.includes('<a href="example-figure.html">'));
  // What does not hold, and what is not repeated, stands on the first page.
  assert.match(textOf(index), /✗ does not hold first is below second, gamma 1 .*at 1: first 0\.500/);
  assert.match(textOf(index), /another paper its limits are not published/);
});
