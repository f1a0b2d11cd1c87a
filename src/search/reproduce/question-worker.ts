import { serveWorker } from '../../core/worker.ts';
import { answer, type Answer, type Question } from './question.ts';

/** The thread's side of `reproduce`. */
serveWorker<null, Question, Answer>(() => answer);
