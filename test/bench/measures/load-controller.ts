import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { startLabController, type LabController } from '../../harness/controller.ts';
import type { Scope } from '../../harness/scope.ts';
import type { Job } from '../clients/jobs.ts';

/** How many client processes; two cores have little room for more. */
export const CLIENTS = 2;
/** Operations at once in each of them. */
export const LANES = 8;
const HOSTS_PER_CLIENT = 16;
const MOST_TOKEN_USES = '10000';

/** A controller to put load on, and jobs for it. */
export interface LoadController {
  controller: LabController;
  /** A job for each client process; every call makes names that are new. */
  jobs(kind: 'enrol' | 'renew-new' | 'renew-kept', milliseconds: number, requests: number): Job[];
}

export async function startLoadController(scope: Scope): Promise<LoadController> {
  const controller = await startLabController(scope, { limits: { rate_factor: 1000 } });
  const rootsPem = await publicFile(controller.address, '/ca.pem');
  const tokens = await Promise.all(
    Array.from({ length: CLIENTS }, () => controller.createToken('--job', 'bench', '--uses', MOST_TOKEN_USES)),
  );
  let round = 0;
  return {
    controller,
    jobs(kind, milliseconds, requests) {
      round += 1;
      return tokens.map((token, client) => {
        const common = { lanes: LANES, milliseconds, requests, rootsPem, token };
        const own = { ...common, controller: controller.address, prefix: `bench-${round}-${client}` };
        if (kind === 'enrol') return { ...own, kind };
        const connection = kind === 'renew-new' ? ('new' as const) : ('kept' as const);
        return { ...own, kind: 'renew' as const, connection, hosts: HOSTS_PER_CLIENT };
      });
    },
  };
}

/** From our own controller on loopback: whom to trust is what we ask. */
async function publicFile(address: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(`https://${address}${path}`, { agent: false, rejectUnauthorized: false }, (answer) => {
      text(answer).then(resolve, reject);
    })
      .on('error', reject)
      .end();
  });
}
