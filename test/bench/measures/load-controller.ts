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

/** What the clients do, each time over a new connection unless it is kept. */
export type Work = 'enrol' | 'renew' | 'check-in' | 'renew-kept';

/** A controller to put load on, and jobs for it. */
export interface LoadController {
  controller: LabController;
  /** A job for each client process; every call makes names and addresses that are new. */
  jobs(work: Work, milliseconds: number, requests: number): Promise<Job[]>;
}

export async function startLoadController(scope: Scope): Promise<LoadController> {
  const controller = await startLabController(scope, { limits: { rate_factor: 1000 } });
  const rootsPem = await publicFile(controller.address, '/ca.pem');
  let round = 0;
  const job = async (client: number, work: Work, milliseconds: number, requests: number): Promise<Job> => {
    const addresses = Array.from({ length: HOSTS_PER_CLIENT }, (_, host) => `127.${round}.${client + 1}.${host + 1}`);
    const allowed = addresses.flatMap((address) => ['--address', address]);
    const token = await controller.createToken('--job', 'bench', '--uses', MOST_TOKEN_USES, ...allowed);
    const prefix = `bench-${round}-${client}`;
    const own = { lanes: LANES, milliseconds, requests, rootsPem, token, controller: controller.address, prefix };
    if (work === 'enrol') return { ...own, kind: work };
    const call = work === 'check-in' ? work : 'renew';
    return { ...own, kind: 'host', call, connection: work === 'renew-kept' ? 'kept' : 'new', addresses };
  };
  return {
    controller,
    jobs(...what) {
      round += 1;
      return Promise.all(Array.from({ length: CLIENTS }, (_, client) => job(client, ...what)));
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
