import { isTorchpassError, parseHostPort } from '@torchpass/core';
import {
  certificatesToPem,
  generatePrivateKey,
  privateKeyToPem,
  publicKeyInfo,
  type Role,
  type SpiffeId,
} from '@torchpass/pki';
import {
  probePlain,
  probeTls,
  type ProbeCredentials,
  type ProbeOptions,
  type ProbeTarget,
} from '@torchpass/prometheus';
import type { TargetCheck, TargetView } from '../api/types.ts';
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

/** So many targets at once: five connections each. */
const AT_ONCE = 16;
const REACHED = 'its address may be dialled';

/** Certificates of the wrong purpose, made anew for each run. */
interface Knocks {
  agent: ProbeCredentials;
  exporter: ProbeCredentials;
}

/** Knocks at targets from here in every wrong way and in the right one: each wrong one must be refused. */
export function createTargetCheck(tools: Tools) {
  const { authorities, timeoutMs } = tools;

  return async (targets: readonly TargetView[]): Promise<TargetCheck[]> => {
    const knocks = { agent: await knock('agent'), exporter: await knock('exporter') };
    const checks: TargetCheck[] = [];
    for (let first = 0; first < targets.length; first += AT_ONCE) {
      const some = targets.slice(first, first + AT_ONCE);
      checks.push(...(await Promise.all(some.map((target) => check(target, knocks)))));
    }
    return checks;
  };

  async function check(target: TargetView, knocks: Knocks): Promise<TargetCheck> {
    const layers = await layersOf(target, knocks);
    const { exporter, host } = target;
    return { host, exporter, target: target.target ?? '', layers, passed: layers.every(({ passed }) => passed) };
  }

  async function layersOf(target: TargetView, knocks: Knocks): Promise<TargetCheck['layers']> {
    if (target.target === null) return [layer(REACHED, false, target.problem ?? 'it has no address')];
    const { host, port } = parseHostPort(target.target);
    const place = { host, port, path: target.metricsPath };
    try {
      const { connectTo } = await vetAddress(host, tools.policy, tools.resolve);
      const bounds = { timeoutMs, maxBytes: LARGEST_LOOK_BYTES, connectTo };
      return await Promise.all([
        probePlain(place, bounds).then((outcome) => layer('plain HTTP is refused', outcome === 'refused', outcome)),
        refusal('no client certificate is refused', place, bounds),
        refusal('an agent identity is refused', place, { ...bounds, client: knocks.agent }),
        refusal("another exporter's certificate is refused", place, { ...bounds, client: knocks.exporter }),
        accepted(place, bounds, target),
      ]);
    } catch (error) {
      if (!isTorchpassError(error)) throw error;
      return [layer(REACHED, false, error.sentence)];
    }
  }

  async function refusal(name: string, place: ProbeTarget, options: ProbeOptions) {
    const outcome = await probeTls(place, options);
    const found = outcome.kind === 'answered' ? `answered with HTTP status ${outcome.status}` : outcome.reason;
    return layer(name, outcome.kind === 'refused', found);
  }

  async function accepted(place: ProbeTarget, bounds: ProbeOptions, target: TargetView) {
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
