import { checkOracles } from './check-oracle.ts';

checkOracles('sarathi');
