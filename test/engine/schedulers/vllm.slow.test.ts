import { checkOracles } from './check-oracle.ts';

checkOracles('vllm-v1');
checkOracles('vllm-v0');
