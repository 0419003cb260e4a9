import { TorchpassError, type Clock } from '@torchpass/core';
import { host as hostActor } from '../audit/actor.ts';
import type { AuditEntry } from '../audit/audit.ts';
import type { Authorities } from '../issuance/authorities.ts';
import type { IssuedCertificate, Issuance } from '../issuance/issuance.ts';
import { listFrom } from '../store/json.ts';
import type { HostTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { decideResolving } from '../policy/decide-resolving.ts';
import { firstRefusal } from '../policy/decide.ts';
import type { Policy } from '../policy/policy.ts';
import type { PolicyRequest, Rule } from '../policy/request.ts';
import { refusal } from '../policy/step.ts';
import type { Resolve } from '../targets/address-policy.ts';
import { neighboursOf } from './address-owner.ts';
import { exporterLine, findExporter } from './exporters.ts';
import { addressesOf, requestOf } from './facts.ts';

/** The certificates that a host may have. Every name in them comes from the database, none from the request. */
export interface HostCertificates {
  /**
   * `address` is where the caller connects from: policy is asked again for each certificate. `late`: the identity before has
   * ended already. `POLICY_REFUSED`.
   */
  identity(
    host: HostTable,
    publicKey: Buffer,
    address: string,
    options?: { late: boolean },
  ): Promise<IssuedCertificate>;
  /** `EXPORTER_REFUSED`, `ADDRESS_REFUSED`, `ADDRESS_UNRESOLVED`, `POLICY_REFUSED`. */
  exporter(host: HostTable, name: string, publicKey: Buffer, address: string): Promise<IssuedCertificate>;
}

interface Tools {
  store: Store;
  authorities: Authorities;
  issuance: Issuance;
  policy: Policy;
  countRefusal: (rule: Rule) => void;
  resolve: Resolve;
  clock: Clock;
  identityLifetimeMs: number;
  exporterLifetimeMs: number;
}

export function createHostCertificates(tools: Tools): HostCertificates {
  const { store, issuance, policy, countRefusal, resolve, clock } = tools;
  const { trustDomain, authentic } = tools.authorities;

  /** The policy as it is now decides, whatever was decided when the host joined or checked in. */
  const judge = async (host: HostTable, address: string, what: PolicyRequest = {}) => {
    authentic.check('hosts', host);
    const from = addressesOf(host, address, clock.now());
    const { decision, unresolved } = await decideResolving(policy, { ...requestOf(host, from), ...what }, resolve);
    const refused = firstRefusal(decision);
    if (refused !== undefined) {
      countRefusal(refused.rule);
      throw refusal(refused);
    }
    if (unresolved !== null) throw new TorchpassError('ADDRESS_UNRESOLVED', unresolved);
  };

  return {
    async identity(host, publicKey, address, { late } = { late: false }) {
      await judge(host, address);
      return issuance.issue({
        role: 'agent',
        hostId: host.id,
        subjectName: '',
        spiffeId: { trustDomain, kind: 'agent', host: host.name },
        dnsNames: [],
        ipAddresses: [],
        publicKey,
        lifetimeMs: tools.identityLifetimeMs,
        ...(late ? { also: renewedLate(host, address) } : {}),
      });
    },

    async exporter(host, name, publicKey, observedAddress) {
      const row = await findExporter(store, host.id, name);
      if (row === undefined) {
        throw new TorchpassError(
          'EXPORTER_REFUSED',
          `The host has not reported an exporter ${JSON.stringify(name.slice(0, 80))}.`,
          {
            hint: 'Check in with it first.',
          },
        );
      }
      if (row.target === null) throw new TorchpassError('EXPORTER_REFUSED', row.problem ?? 'The exporter is refused.');
      const [dnsNames, ipAddresses] = [listFrom(row.dns_names), listFrom(row.ip_addresses)];
      const neighbours = await neighboursOf(store, host.id, { dnsNames, ipAddresses });
      for (const address of [...dnsNames, ...ipAddresses]) {
        const { job, target } = row;
        await judge(host, observedAddress, { exporter: name, job, address, target, neighbours });
      }
      return issuance.issue({
        ...exporterLine(host.id, name),
        spiffeId: { trustDomain, kind: 'exporter', host: host.name, name },
        dnsNames,
        ipAddresses,
        publicKey,
        lifetimeMs: tools.exporterLifetimeMs,
      });
    },
  };
}

function renewedLate({ id, name }: HostTable, address: string): AuditEntry {
  return { event: 'identity.renewed_late', by: hostActor(name, address), subject: name, details: { host_id: id } };
}
