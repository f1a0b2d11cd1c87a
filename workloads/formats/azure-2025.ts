import { isZoned, timestampToUs, zonedTimestampToUs } from './fields.ts';
import { cellText, type Format } from './format.ts';
import { hasNames, namedNotes, namedRequests, type Fields, type RowRequest } from './named-rows.ts';

const USES = ['TIMESTAMP', 'NumImages', 'ContextTokens', 'GeneratedTokens'];

/**
 * Azure's trace of multimodal requests, 2025 (Qiu et al., ModServe, SoCC 2025): the columns of 2023 with the number of
 * images as the second. The trace has no sizes of images.
 */
export const azure2025: Format = {
  name: 'azure-2025',
  begins: 'TIMESTAMP,NumImages,ContextTokens,GeneratedTokens',
  matches: (head) => hasNames(head, USES),
  notes: (head, keys) => [
    'images are counted (media) and not sent: the trace has neither their content nor their sizes',
    ...namedNotes(head, keys, USES),
  ],
  read: (text, rows) => namedRequests(text, rows, { uses: USES, read }),
};

function read(fields: Fields): RowRequest {
  const time = cellText(fields.value('TIMESTAMP'));
  const arrivalUs = isZoned(time) ? zonedTimestampToUs('TIMESTAMP', time) : timestampToUs('TIMESTAMP', time);
  const images = fields.count('NumImages') ?? 0;
  return {
    arrivalUs,
    inputTokens: fields.tokens('ContextTokens'),
    outputTokens: fields.tokens('GeneratedTokens'),
    ...(images === 0 ? {} : { media: [{ kind: 'image', count: images }] }),
  };
}
