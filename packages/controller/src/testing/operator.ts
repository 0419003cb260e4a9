import { operator } from '../audit/actor.ts';

/** Who acts in tests. */
export const OPERATOR = operator('olga');
