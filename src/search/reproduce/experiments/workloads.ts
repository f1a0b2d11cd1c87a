import type { LengthLaw, Workload } from '../lengths.ts';

const NEXUS = 'mean and P50, P95, P99 as Nexus states them; between these on straight lines, the longest chosen here';

const SHAREGPT_INPUT: LengthLaw = {
  mean: 496,
  quantiles: [
    [0.5, 432],
    [0.95, 970],
    [0.99, 1367],
    [1, 1450],
  ],
};
/** Of its share 0.8 nothing is published: on a straight line from P50 to P95 no length could make the mean right. */
const SHAREGPT_OUTPUT: LengthLaw = {
  mean: 97,
  quantiles: [
    [0.5, 37],
    [0.8, 135],
    [0.95, 383],
    [0.99, 474],
    [1, 490],
  ],
};
const LDC_INPUT: LengthLaw = {
  mean: 5905,
  quantiles: [
    [0.5, 5461],
    [0.95, 9292],
    [0.99, 9817],
    [1, 10_300],
  ],
};
const LDC_OUTPUT: LengthLaw = {
  mean: 180,
  quantiles: [
    [0.5, 159],
    [0.95, 339],
    [0.99, 454],
    [1, 480],
  ],
};

export const LONG_DATA_COLLECTIONS: Workload = {
  name: 'Long Data Collections',
  how: NEXUS,
  kinds: [{ share: 1, input: LDC_INPUT, output: LDC_OUTPUT }],
  longestTokens: null,
};

export const ARXIV: Workload = {
  name: 'ArXiv',
  how: NEXUS,
  kinds: [
    {
      share: 1,
      input: {
        mean: 3832,
        quantiles: [
          [0.5, 3575],
          [0.95, 6460],
          [0.99, 6894],
          [1, 7100],
        ],
      },
      output: {
        mean: 200,
        quantiles: [
          [0.5, 181],
          [0.95, 357],
          [0.99, 443],
          [1, 470],
        ],
      },
    },
  ],
  longestTokens: null,
};

export const MIXED: Workload = {
  name: 'Mixed: 60 % ShareGPT, 40 % Long Data Collections',
  how: `${NEXUS}; of ShareGPT's outputs P80 too`,
  kinds: [
    { share: 0.6, input: SHAREGPT_INPUT, output: SHAREGPT_OUTPUT },
    { share: 0.4, input: LDC_INPUT, output: LDC_OUTPUT },
  ],
  longestTokens: null,
};

/** OPT takes 2,048 tokens. */
const OPT_TOKENS = 2048;

export const DISTSERVE_CHAT: Workload = {
  name: 'chat (ShareGPT)',
  how: 'means as DistServe states them (755.5 in, 200.3 out); the quantiles are chosen here: long to the right, cut at 2,048 tokens as the paper cuts them',
  kinds: [
    {
      share: 1,
      input: {
        mean: 755.5,
        quantiles: [
          [0.25, 290],
          [0.5, 590],
          [0.75, 1080],
          [0.9, 1650],
          [0.99, 1850],
          [1, 1900],
        ],
      },
      output: {
        mean: 200.3,
        quantiles: [
          [0.25, 80],
          [0.5, 145],
          [0.75, 255],
          [0.9, 373],
          [0.99, 850],
          [1, 950],
        ],
      },
    },
  ],
  longestTokens: OPT_TOKENS,
};

export const DISTSERVE_CODE: Workload = {
  name: 'code (HumanEval)',
  how: 'means as DistServe states them (171.3 in, 98.2 out); the quantiles are chosen here: half to twice the mean',
  kinds: [
    {
      share: 1,
      input: {
        mean: 171.3,
        quantiles: [
          [0.5, 160],
          [0.95, 300],
          [1, 350],
        ],
      },
      output: {
        mean: 98.2,
        quantiles: [
          [0.5, 90],
          [0.95, 190],
          [1, 250],
        ],
      },
    },
  ],
  longestTokens: OPT_TOKENS,
};

export const DISTSERVE_SUMMARISATION: Workload = {
  name: 'summarisation (LongBench)',
  how: 'means as DistServe states them (1,738.3 in, 90.7 out); the quantiles are chosen here: contexts are cut to 1,900 to 2,040 tokens with the answer',
  kinds: [
    {
      share: 1,
      input: {
        mean: 1738.3,
        quantiles: [
          [0.3, 1650],
          [0.6, 1840],
          [0.95, 1900],
          [1, 1930],
        ],
      },
      output: {
        mean: 90.7,
        quantiles: [
          [0.5, 80],
          [0.95, 178],
          [1, 260],
        ],
      },
    },
  ],
  longestTokens: OPT_TOKENS,
};

const SARATHI =
  'P50 and P90 as Sarathi-Serve states them; the ends are chosen here, those of the inputs so that their deviation is as stated';

export const SARATHI_CHAT: Workload = {
  name: 'openchat_sharegpt4',
  how: SARATHI,
  kinds: [
    {
      share: 1,
      input: {
        mean: null,
        quantiles: [
          [0, 20],
          [0.5, 1730],
          [0.9, 5696],
          [1, 8000],
        ],
      },
      output: {
        mean: null,
        quantiles: [
          [0, 100],
          [0.5, 415],
          [0.9, 834],
          [1, 900],
        ],
      },
    },
  ],
  longestTokens: null,
};

export const SARATHI_ARXIV: Workload = {
  name: 'arxiv_summarization',
  how: SARATHI,
  kinds: [
    {
      share: 1,
      input: {
        mean: null,
        quantiles: [
          [0, 2500],
          [0.5, 7059],
          [0.9, 12_985],
          [1, 16_000],
        ],
      },
      output: {
        mean: null,
        quantiles: [
          [0, 20],
          [0.5, 208],
          [0.9, 371],
          [0.97, 420],
          [1, 2500],
        ],
      },
    },
  ],
  longestTokens: null,
};
