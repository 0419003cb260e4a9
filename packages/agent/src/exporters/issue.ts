import type { Clock, Files } from '@torchpass/core';
import type { Controller } from '../controller/client.ts';
import { pairOf, refuseDue, requestFor } from '../identity/issue.ts';
import { obtain } from '../identity/obtain.ts';
import { type Generation, writeGeneration } from './generation.ts';
import type { Survey } from './survey.ts';
import type { Wanted } from './wanted.ts';

/** Gets a certificate for one exporter and puts it on disk as a generation. Nothing uses it yet. */
export async function issueGeneration(
  { exporter, place }: Survey,
  wanted: Wanted,
  controller: Controller,
  { files, clock }: { files: Files; clock: Clock },
): Promise<Generation> {
  const pair = await obtain(
    {
      nextKey: place.nextKey,
      staleKeyErrors: ['PROTOCOL_VIOLATION', 'KEY_REUSED', 'CSR_INVALID'],
      ask: async (key) => {
        const { certificate } = await controller.issueCertificate({
          purpose: { $case: 'exporter', value: { name: exporter.name } },
          certificateRequest: requestFor(key),
        });
        const issued = pairOf(certificate?.chain, key);
        wanted.check(issued.chain, (leaf) => key.belongsTo(leaf));
        refuseDue(issued, clock);
        return issued;
      },
    },
    files,
  );
  return writeGeneration(place, pair, wanted.clientCa, exporter.owner, files);
}
