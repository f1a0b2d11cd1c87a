import { newSalt } from '../run/salt.ts';
import { servePoints } from '../search/sweep/point.ts';

/** A thread of `reprise sweep` in virtual time. It stands here because only commands read the time. */
servePoints({ nowIso: () => new Date().toISOString(), newSalt });
