import type { Experiment } from '../experiment.ts';
import { distserveFigure1 } from './distserve-figure-1.ts';
import { distserveFigure8 } from './distserve-figure-8.ts';
import { distserveFigure9 } from './distserve-figure-9.ts';
import { distservePlacement } from './distserve-placement.ts';
import { md1 } from './md1.ts';
import { nexusAblation } from './nexus-ablation.ts';
import { nexusGamma } from './nexus-gamma.ts';
import { nexusLatency } from './nexus-latency.ts';
import { nexusSpf } from './nexus-spf.ts';
import { sarathiTail } from './sarathi-tail.ts';

/** The only list, in the order of the gallery. */
export const EXPERIMENTS: readonly Experiment[] = [
  distserveFigure1,
  distserveFigure8,
  distserveFigure9,
  distservePlacement,
  md1,
  sarathiTail,
  nexusLatency,
  nexusGamma,
  nexusSpf,
  nexusAblation,
];

/** Published experiments that are not here, and why. */
export const CANNOT: readonly { readonly what: string; readonly why: string }[] = [
  {
    what: 'semi-PD: latencies and requests within the SLO against DistServe, vLLM and SGLang',
    why: 'its limits, its equations and its controller are not published, so that no figure could be compared',
  },
  {
    what: 'DistServe, Figure 8 on OPT-175B, and Figure 10',
    why: 'the coefficients of OPT-175B are not published',
  },
  {
    what: 'DistServe, table 2: attainment on the real systems and in its simulator',
    why: 'it does not say of which model; its points are drawn in distserve-figure-8',
  },
  {
    what: 'Nexus: throughput against vLLM, SGLang and P/D',
    why: 'the token latency limits by which it is counted are not given',
  },
  {
    what: 'Splitwise, Llumnix, Mooncake, P/D-Serve, EPD, FastSwitch, BatchLLM',
    why: 'their systems are not in this engine',
  },
];
