import { toTorchpassError } from '@torchpass/core';
import type { Refusals } from '../audit/refusals.ts';
import type { RefusedAct } from './route.ts';

const LONGEST_REASON = 300;

/** Puts on record what operators wanted to change and did not get. */
export function notingRefusedActs(refusals: Refusals): (act: RefusedAct) => Promise<void> {
  return ({ by, act, subject, error }) => {
    const { code, message } = toTorchpassError(error);
    const details = { act, code, reason: message.slice(0, LONGEST_REASON) };
    return refusals.note({ event: 'operator.refused', by, subject, details });
  };
}
