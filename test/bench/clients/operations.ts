import { Agent, request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { connect, identityOf, type Client, type HostIdentity } from './controller.ts';
import type { Job } from './jobs.ts';
import { makeKeyAndRequest, type Supply } from './requests.ts';

/** Does one operation; rejects when it was not answered with a certificate. */
export type Operation = (lane: number) => Promise<void>;

/** Prepares everything that is not to be measured. */
export async function prepare(job: Job, supply: Supply): Promise<Operation> {
  switch (job.kind) {
    case 'enrol':
      return enrolment(job, supply);
    case 'host':
      return hostCall(job, supply);
    case 'cfssl':
      return cfsslSignature(job, supply);
  }
}

function enrolment({ controller, rootsPem, token, prefix }: Job & { kind: 'enrol' }, supply: Supply): Operation {
  const roots = Buffer.from(rootsPem);
  let count = 0;
  return async () => {
    const client = connect(controller, roots);
    await client.enrol(token, `${prefix}-${(count += 1)}`, supply.take().request).finally(() => client.close());
  };
}

async function hostCall(job: Job & { kind: 'host' }, supply: Supply): Promise<Operation> {
  const { controller, addresses, token, prefix, lanes } = job;
  const roots = Buffer.from(job.rootsPem);
  const hosts: { identity: HostIdentity; address: string }[] = [];
  const stranger = connect(controller, roots);
  for (const [index, address] of addresses.entries()) {
    const own = makeKeyAndRequest();
    const certificate = await stranger.enrol(token, `${prefix}-${index}`, own.request);
    hosts.push({ identity: identityOf(own, certificate), address });
  }
  stranger.close();
  const host = (index: number) => hosts[index % hosts.length] ?? unreachable();
  const call = async (client: Client, { address }: { address: string }): Promise<unknown> =>
    job.call === 'renew' ? client.renew(supply.take().request) : client.checkIn(address);

  if (job.connection === 'new') {
    let turn = 0;
    return async () => {
      const own = host((turn += 1));
      const client = connect(controller, roots, own.identity);
      await call(client, own).finally(() => client.close());
    };
  }
  const clients = Array.from({ length: lanes }, (_, lane) => connect(controller, roots, host(lane).identity));
  // The connection is made at the first call.
  await Promise.all(clients.map((client) => client.renew(makeKeyAndRequest().request)));
  return async (lane) => void (await call(clients[lane] ?? unreachable(), host(lane)));
}

function unreachable(): never {
  throw new Error('a client without hosts');
}

function cfsslSignature({ url, lanes, requests }: Job & { kind: 'cfssl' }, supply: Supply): Operation {
  const agent = new Agent({ keepAlive: true, maxSockets: lanes });
  const bodyOf = (request: Buffer) => {
    const base64 = request.toString('base64').replaceAll(/(.{64})/g, '$1\n');
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${base64}\n-----END CERTIFICATE REQUEST-----\n`;
    return JSON.stringify({ certificate_request: pem, hosts: ['127.0.0.1'] });
  };
  const bodies = Array.from({ length: requests }, () => bodyOf(supply.take().request));
  const headers = { 'content-type': 'application/json' };
  let turn = 0;
  return async () => {
    const body = bodies[(turn += 1) % bodies.length];
    const answer = await new Promise<string>((resolve, reject) => {
      const outgoing = httpRequest(`${url}/api/v1/cfssl/sign`, { method: 'POST', agent, headers }, (incoming) => {
        text(incoming).then(resolve, reject);
      });
      outgoing.on('error', reject).end(body);
    });
    if (!answer.startsWith('{"success":true')) throw new Error(answer.slice(0, 300));
  };
}
