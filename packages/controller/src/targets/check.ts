import { parseHostPort, TorchpassError } from '@torchpass/core';
import {
  certificatesToPem,
  generatePrivateKey,
  privateKeyToPem,
  publicKeyInfo,
  type Role,
  type SpiffeId,
} from '@torchpass/pki';
import { probePlain, probeTls, type ProbeCredentials, type ProbeOptions } from '@torchpass/prometheus';
import type { TargetCheck, TargetView } from '../http/api/types.ts';
import { CONTROLLER_HOST } from '../hosts/host-name.ts';
import type { Authorities } from '../issuance/authorities.ts';
import type { Issuance } from '../issuance/issuance.ts';
import { vetAddress, type AddressPolicy, type Resolve } from './address-policy.ts';

interface Tools {
  authorities: Authorities;
  issuance: Issuance;
  scraper: () => Promise<ProbeCredentials>;
  policy: AddressPolicy;
  resolve: Resolve;
  timeoutMs: number;
}

const LARGEST_LOOK_BYTES = 64 * 1024;
/** Certificates for knocking in the wrong way live only for the knock. */
const KNOCK_LIFETIME_MS = 5 * 60_000;

/** Knocks at a target from here in every wrong way and in the right one: each wrong one must be refused. */
export function createTargetCheck(tools: Tools) {
  const { authorities, timeoutMs } = tools;

  return async (target: TargetView): Promise<TargetCheck> => {
    if (target.target === null)
      throw new TorchpassError('NOT_FOUND', `${target.host}/${target.exporter} has no address to check.`);
    const { host, port } = parseHostPort(target.target);
    const { connectTo } = await vetAddress(host, tools.policy, tools.resolve);
    const place = { host, port };
    const bounds = { timeoutMs, maxBytes: LARGEST_LOOK_BYTES, connectTo };
    const layers = await Promise.all([
      probePlain(place, bounds).then((outcome) => layer('plain HTTP is refused', outcome === 'refused', outcome)),
      refusal('no client certificate is refused', place, bounds),
      knock('agent').then((client) => refusal('an agent identity is refused', place, { ...bounds, client })),
      knock('exporter').then((client) =>
        refusal("another exporter's certificate is refused", place, { ...bounds, client }),
      ),
      accepted(place, bounds, target),
    ]);
    const { exporter, host: name } = target;
    return { host: name, exporter, target: target.target, layers, passed: layers.every(({ passed }) => passed) };
  };

  async function refusal(name: string, place: { host: string; port: number }, options: ProbeOptions) {
    const outcome = await probeTls(place, options);
    const found = outcome.kind === 'answered' ? `answered with HTTP status ${outcome.status}` : outcome.reason;
    return layer(name, outcome.kind === 'refused', found);
  }

  async function accepted(place: { host: string; port: number }, bounds: ProbeOptions, target: TargetView) {
    const trust = certificatesToPem([...authorities.trusted('exporter')]);
    const outcome = await probeTls(place, { ...bounds, trust, client: await tools.scraper() });
    const name = 'the scraper is let in and sees the newest certificate';
    if (outcome.kind !== 'answered') return layer(name, false, outcome.reason);
    const right = outcome.serverSerial === target.serial && outcome.status === 200;
    return layer(name, right, `HTTP status ${outcome.status}, certificate ${outcome.serverSerial}`);
  }

  /** A valid certificate of the wrong purpose, made for this knock. */
  async function knock(role: Extract<Role, 'agent' | 'exporter'>): Promise<ProbeCredentials> {
    const key = await generatePrivateKey();
    const { trustDomain } = authorities;
    const spiffeId: SpiffeId =
      role === 'agent'
        ? { trustDomain, kind: 'agent', host: CONTROLLER_HOST }
        : { trustDomain, kind: 'exporter', host: CONTROLLER_HOST, name: 'check' };
    const issued = await tools.issuance.renewWithSameKey({
      role,
      hostId: null,
      subjectName: 'check',
      spiffeId,
      dnsNames: role === 'agent' ? [] : [CONTROLLER_HOST],
      ipAddresses: [],
      publicKey: publicKeyInfo(key),
      lifetimeMs: KNOCK_LIFETIME_MS,
    });
    return { certificate: certificatesToPem(issued.chain), key: privateKeyToPem(key) };
  }
}

function layer(name: string, passed: boolean, found: string): TargetCheck['layers'][number] {
  return { name, passed, found };
}
