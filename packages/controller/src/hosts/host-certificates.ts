import { TorchpassError } from '@torchpass/core';
import { host as hostActor } from '../audit/actor.ts';
import type { AuditEntry } from '../audit/audit.ts';
import type { Authorities } from '../issuance/authorities.ts';
import type { IssuedCertificate, Issuance } from '../issuance/issuance.ts';
import { listFrom } from '../store/json.ts';
import type { HostTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { AddressPolicy, Resolve } from '../targets/address-policy.ts';
import { vetClaim } from './desired-exporter.ts';
import { exporterLine, findExporter } from './exporters.ts';

/** The certificates that a host may have. Every name in them comes from the database, none from the request. */
export interface HostCertificates {
  /** `lateFrom`: the identity before has ended already; from where the host calls. */
  identity(host: HostTable, publicKey: Buffer, options?: { lateFrom?: string }): Promise<IssuedCertificate>;
  /** `address` is where the caller connects from: policy is asked again for each certificate. */
  exporter(host: HostTable, name: string, publicKey: Buffer, address: string): Promise<IssuedCertificate>;
}

interface Tools {
  store: Store;
  authorities: Authorities;
  issuance: Issuance;
  policy: AddressPolicy;
  resolve: Resolve;
  identityLifetimeMs: number;
  exporterLifetimeMs: number;
}

export function createHostCertificates(tools: Tools): HostCertificates {
  const { store, issuance, policy, resolve } = tools;
  const { trustDomain } = tools.authorities;
  return {
    identity: (host, publicKey, { lateFrom } = {}) =>
      issuance.issue({
        role: 'agent',
        hostId: host.id,
        subjectName: '',
        spiffeId: { trustDomain, kind: 'agent', host: host.name },
        dnsNames: [],
        ipAddresses: [],
        publicKey,
        lifetimeMs: tools.identityLifetimeMs,
        ...(lateFrom === undefined ? {} : { also: renewedLate(host, lateFrom) }),
      }),

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
      for (const claim of [...dnsNames, ...ipAddresses]) {
        await vetClaim(claim, { host, observedAddress, policy, resolve });
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
