import type { Format } from './format.ts';
import { hasNames, namedNotes, namedRequests } from './named-rows.ts';

const LENGTHS = ['num_prefill_tokens', 'num_decode_tokens'];
const VIDUR = ['arrived_at', ...LENGTHS];
/** Derived from the two lengths. */
const DERIVED = ['num_total_tokens', 'pd_ratio'];
const SPLITWISE = ['request_id', 'request_type', 'arrival_timestamp', 'prompt_size', 'token_size'];

/** Vidur's traces (Agrawal et al., MLSys 2024): seconds and two lengths. */
export const vidur: Format = {
  name: 'vidur',
  begins: 'arrived_at,num_prefill_tokens,num_decode_tokens',
  matches: (head) => hasNames(head, VIDUR),
  notes: (head, keys) => namedNotes(head, keys, [...VIDUR, ...DERIVED]),
  read: (text, rows) =>
    namedRequests(text, rows, {
      uses: VIDUR,
      read: (fields) => ({
        arrivalUs: fields.seconds('arrived_at'),
        inputTokens: fields.tokens('num_prefill_tokens'),
        outputTokens: fields.tokens('num_decode_tokens'),
      }),
    }),
};

/** Vidur's files of lengths, without arrival times. */
export const vidurLengths: Format = {
  name: 'vidur-lengths',
  begins: 'num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio',
  starts: 'none',
  matches: (head) => hasNames(head, LENGTHS) && !hasNames(head, VIDUR),
  notes: (head, keys) => namedNotes(head, keys, [...LENGTHS, ...DERIVED]),
  read: (text, rows) =>
    namedRequests(text, rows, {
      uses: LENGTHS,
      read: (fields) => ({
        arrivalUs: null,
        inputTokens: fields.tokens('num_prefill_tokens'),
        outputTokens: fields.tokens('num_decode_tokens'),
      }),
    }),
};

/** The type that splitwise-sim gives requests to a language model; others are parts of other applications. */
const LLM = 2;

/** splitwise-sim's traces (Patel et al., ISCA 2024): seconds and two sizes in tokens. */
export const splitwiseSim: Format = {
  name: 'splitwise-sim',
  begins: 'request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size',
  matches: (head) => hasNames(head, SPLITWISE),
  notes: (head, keys) => namedNotes(head, keys, SPLITWISE),
  read: (text, rows) =>
    namedRequests(text, rows, {
      uses: SPLITWISE,
      ids: 'unique',
      read(fields) {
        const type = fields.count('request_type') ?? LLM;
        if (type !== LLM) return `request_type ${type}, which is no request to a language model`;
        return {
          id: fields.text('request_id'),
          arrivalUs: fields.seconds('arrival_timestamp'),
          inputTokens: fields.tokens('prompt_size'),
          outputTokens: fields.tokens('token_size'),
        };
      },
    }),
};
