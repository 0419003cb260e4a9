import type { KeyObject } from 'node:crypto';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectController, type Connect, type Controller } from '@torchpass/agent';
import { openStore } from '@torchpass/controller';
import { parseHostPort, systemClock } from '@torchpass/core';
import { certificatesToPem, createCertificateRequest, generatePrivateKey, privateKeyToPem } from '@torchpass/pki';
import type { Certificate, EnrollRequest, JoinToken } from '@torchpass/protocol';
import type { Identity } from './certificates.ts';
import type { LabController } from './controller.ts';
import type { Scope } from './scope.ts';

type Trust = Parameters<Connect>[0]['trust'];
type Pair = NonNullable<Parameters<Connect>[0]['identity']>;

/** Whom agents trust: the root as it is in the controller's database. */
export async function trustOf({ storage }: Pick<LabController, 'storage'>): Promise<Trust> {
  const store = await openStore({ path: join(storage, 'torchpass.db'), clock: systemClock });
  try {
    const roots = await store.selectFrom('authorities').select('certificate').where('role', '=', 'root').execute();
    const rootsPem = certificatesToPem(roots.map(({ certificate }) => certificate));
    const { trust_domain: trustDomain } = await store.selectFrom('installation').selectAll().executeTakeFirstOrThrow();
    return { rootsPem, trustDomain };
  } finally {
    await store.destroy();
  }
}

/** The agent's side of the protocol without an agent around it: says whatever a test wants. */
export function callController(
  scope: Scope,
  controller: Pick<LabController, 'address'>,
  trust: Trust,
  identity?: Pair,
): Controller {
  const address = parseHostPort(controller.address);
  const client = connectController({ address, trust, identity, clock: systemClock, signal: undefined });
  scope.defer(() => client.close());
  return client;
}

export function newKey(): Promise<KeyObject> {
  return generatePrivateKey();
}

/** A complete and right enrolment; a test spoils what it wants. */
export function enrolment(token: JoinToken, key: KeyObject, hostName: string): EnrollRequest {
  return {
    tokenId: token.id,
    tokenSecret: token.secret.reveal(),
    certificateRequest: createCertificateRequest(key),
    hostName,
    agentVersion: 'test',
  };
}

/** An identity as its files say, whoever made it. */
export async function pairIn({ cert, key }: Identity): Promise<Pair> {
  const [chainPem, keyPem] = await Promise.all([readFile(cert, 'utf8'), readFile(key, 'utf8')]);
  const leaf = new X509Certificate(chainPem);
  return { leaf, chain: [leaf], chainPem, keyPem };
}

/** What came back for a key, to be shown in later calls. */
export function pairOf(certificate: Certificate | undefined, key: KeyObject): Pair {
  const chain = (certificate?.chain ?? []).map((der) => new X509Certificate(der));
  const [leaf] = chain;
  if (leaf === undefined) throw new Error('there is no certificate in the answer');
  return { leaf, chain, chainPem: chain.map(String).join(''), keyPem: privateKeyToPem(key) };
}
