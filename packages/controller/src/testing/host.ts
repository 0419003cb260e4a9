import { createCertificateRequest, generatePrivateKey, publicKeyInfo } from '@torchpass/pki';
import { decodeJoinToken, type DesiredExporter, type ExporterReport } from '@torchpass/protocol';
import { createTokenRequest, type CreateTokenInput } from '../api/types.ts';
import type { Enrolled, Enrolment } from '../hosts/enrol.ts';
import type { HostTable } from '../store/schema.ts';
import type { Lab } from './lab.ts';
import { OPERATOR } from './operator.ts';

/** A server's side of the protocol, without the network. */

export const SERVER = '198.51.100.7';
/** The range of `SERVER` is for documentation only; a lab has to allow it. */
export const SERVERS_ALLOWED = { policy: { allowed_networks: ['198.51.100.0/24', '2001:db8::/32'] } };

export interface LabKey {
  publicKey: Buffer;
  /** DER. */
  request: Buffer;
}

export async function newKey(): Promise<LabKey> {
  const key = await generatePrivateKey();
  return { publicKey: publicKeyInfo(key), request: createCertificateRequest(key) };
}

export interface LabToken {
  id: string;
  secret: Buffer;
  text: string;
}

export async function newToken(lab: Pick<Lab, 'services'>, request: CreateTokenInput = {}): Promise<LabToken> {
  const { token: text } = await lab.services.tokens.create(createTokenRequest.parse(request), OPERATOR);
  const { id, secret } = decodeJoinToken(text);
  return { id, secret: secret.reveal(), text };
}

export function enrolment(token: LabToken, key: LabKey, change: Partial<Enrolment> = {}): Enrolment {
  return {
    tokenId: token.id,
    tokenSecret: token.secret,
    certificateRequest: key.request,
    hostName: 'web-1',
    agentVersion: '0.1.0',
    address: SERVER,
    ...change,
  };
}

export function report(change: Partial<ExporterReport> = {}): ExporterReport {
  return {
    name: 'node',
    port: 9100,
    address: '',
    metricsPath: '',
    job: '',
    servingSerial: Buffer.alloc(0),
    problem: '',
    scrapersDigest: Buffer.alloc(0),
    restartGeneration: 0,
    ...change,
  };
}

export async function hostRow({ store }: Pick<Lab, 'store'>, name: string): Promise<HostTable> {
  return store
    .selectFrom('hosts')
    .selectAll()
    .where('name', '=', name)
    .where('state', '=', 'active')
    .executeTakeFirstOrThrow();
}

/** A host that has joined. */
export interface LabHost {
  name: string;
  enrolled: Enrolled;
  /** Checks in with these exporters, from this address. */
  checkIn: (reports: ExporterReport[], address?: string) => Promise<DesiredExporter[]>;
  /** Gets a certificate for an exporter and checks in as one that serves it. Answers its serial number. */
  serve: (change?: Partial<ExporterReport>, address?: string) => Promise<string>;
}

export async function joinHost(
  lab: Lab,
  { name = 'web-1', address: home = SERVER, token = {} }: { name?: string; address?: string; token?: CreateTokenInput },
): Promise<LabHost> {
  const made = await newToken(lab, token);
  const enrolled = await lab.enrol(enrolment(made, await newKey(), { hostName: name, address: home }));
  const checkIn = async (reports: ExporterReport[], address = home) => {
    const { exporters } = await lab.checkIn({
      host: await hostRow(lab, name),
      request: { agentVersion: '0.1.0', rootsDigest: Buffer.alloc(0), exporters: reports },
      address,
      identitySerial: enrolled.certificate.serial,
    });
    return exporters;
  };
  return {
    name,
    enrolled,
    checkIn,
    async serve(change = {}, address = home) {
      const what = report(change);
      await checkIn([what], address);
      const { publicKey } = await newKey();
      const { serial } = await lab.certificates.exporter(await hostRow(lab, name), what.name, publicKey, address);
      await checkIn([{ ...what, servingSerial: Buffer.from(serial, 'hex') }], address);
      return serial;
    },
  };
}
