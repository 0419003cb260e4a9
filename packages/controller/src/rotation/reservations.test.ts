import { describe, expect, it, vi } from 'vitest';
import type { CertificateOrder } from '../issuance/issuance.ts';
import { hostRow, newKey } from '../testing/host.ts';
import { withFleet, type Fleet } from '../testing/rotating-fleet.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

describe('what was reserved under the former authority, and not signed,', () => {
  async function reserved(lab: Fleet) {
    const host = await hostRow(lab, 'web-1');
    const { publicKey } = await newKey();
    const order: CertificateOrder = {
      role: 'agent',
      hostId: host.id,
      subjectName: '',
      spiffeId: { trustDomain: lab.authorities.trustDomain, kind: 'agent', host: host.name },
      dnsNames: [],
      ipAddresses: [],
      publicKey,
      lifetimeMs: 3_600_000,
    };
    const draft = lab.issuance.draft(order);
    await lab.store.transaction().execute((transaction) => lab.issuance.reserve(transaction, draft));
    return { order, serial: draft.prepared.serial, former: lab.authorities.active('agent') };
  }

  it('is signed while that one retires', async () => {
    const lab = await withFleet();
    const { serial, former } = await reserved(lab);
    await lab.rotate('agent');
    const { chain } = await lab.issuance.complete(serial);
    expect(chain[1]).toEqual(former.certificate);
  });

  it('is never signed once that one is gone; the same key gets another certificate', async () => {
    const lab = await withFleet();
    const { serial, order } = await reserved(lab);
    await lab.rotate('agent');
    await lab.live(8);
    expect(await lab.states('agent')).toBe('b active');
    await expect(lab.issuance.complete(serial)).rejects.toMatchObject({ code: 'AUTHORITY_MISSING' });
    const { chain } = await lab.issuance.issue(order);
    expect(chain[1]).toEqual(lab.authorities.active('agent').certificate);
  });

  it('is not signed by a controller that has not heard of it either', async () => {
    const lab = await withFleet();
    const { serial, former } = await reserved(lab);
    await lab.store.updateTable('authorities').set({ state: 'gone' }).where('id', '=', former.id).execute();
    await expect(lab.issuance.complete(serial)).rejects.toMatchObject({ code: 'AUTHORITY_MISSING' });
    const row = await lab.store.selectFrom('certificates').selectAll().where('serial', '=', serial).executeTakeFirst();
    expect(row?.certificate).toBeNull();
  });
});
