import { TorchpassError } from '@torchpass/core';
import type { LockDownSeams, LockedDown } from './lock-down.ts';
import { noteStart } from './last-start.ts';
import { notLocked } from './not-locked.ts';
import { prove, proveWithin, stands } from './prove.ts';
import { restartSafely } from './restart-safely.ts';
import { servedSerial, type Survey } from './survey.ts';
import type { Wanted } from './wanted.ts';

/**
 * Restarts an exporter that was last started for a smaller restart generation than is wanted: a scraper's key was given up,
 * and connections and session tickets that it has outlive the change of trust. Called when the exporter was just seen to
 * use the new trust, so that what starts now starts with it. The start is noted when it is done: a crash before that
 * repeats it, and nothing later does.
 *
 * Errors in the result: RESTART_NEEDED when nobody told us how, RESTART_FAILED, those of a proof.
 */
export async function startAnew(
  left: LockedDown,
  survey: Survey,
  wanted: Wanted,
  seams: LockDownSeams,
): Promise<LockedDown> {
  const { exporter, place } = survey;
  const { generation, startedFor } = left;
  if (generation === undefined || startedFor >= wanted.restartGeneration) return left;
  const noted = async () => {
    await noteStart(place, wanted.restartGeneration, seams.files);
    return { ...left, startedFor: wanted.restartGeneration };
  };
  if (exporter.restart === undefined) return wanted.restarted ? noted() : { ...left, problem: needed(exporter.name) };

  seams.say(`Exporter "${exporter.name}": restarting it, since a scraper's key was given up …`);
  const failure = await restartSafely(exporter, exporter.restart, seams);
  if (failure !== undefined) return { ...left, problem: failure };
  const started = await noted();
  const attempt = () => prove(exporter, generation, seams.identity, seams.signal);
  const proof = await proveWithin(exporter.patienceMs, attempt, seams.clock, seams.signal);
  const problem = stands(proof) ? undefined : notLocked(exporter, proof, undefined);
  return { ...started, servingSerial: servedSerial(proof, generation), problem };
}

function needed(name: string): TorchpassError {
  return new TorchpassError(
    'RESTART_NEEDED',
    `The exporter "${name}" has to be restarted: a scraper's key was given up, and connections that it has open outlive that.`,
    {
      hint: 'Restart it, then run "torchpass-agent sync --restarted"; or configure its "restart" command.',
    },
  );
}
