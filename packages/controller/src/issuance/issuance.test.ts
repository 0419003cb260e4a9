import { describeCertificate, type Signer } from '@torchpass/pki';
import { describe, expect, it, vi } from 'vitest';
import { enrolment, hostRow, joinHost, newKey, newToken, report, SERVER, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import type { CertificateOrder } from './issuance.ts';
import { newestOfLine } from './ledger.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

/** A signer between the tests and the key: runs `before` with what it is asked to sign. */
function between(before: (message: Uint8Array) => unknown) {
  return (signer: Signer): Signer => ({
    algorithm: signer.algorithm,
    publicKey: signer.publicKey,
    async sign(message) {
      await before(message);
      return signer.sign(message);
    },
  });
}

function order(publicKey: Buffer, change: Partial<CertificateOrder> = {}): CertificateOrder {
  return {
    role: 'scraper',
    hostId: null,
    subjectName: 'lab',
    spiffeId: { trustDomain: 'torchpass.internal', kind: 'scraper', name: 'lab' },
    dnsNames: [],
    ipAddresses: [],
    publicKey,
    lifetimeMs: 3_600_000,
    ...change,
  };
}

const certificates = (lab: Lab) =>
  lab.store.selectFrom('certificates').selectAll().where('subject_name', '=', 'lab').execute();

describe('a signature', () => {
  it('is made only of what is stored, with its serial number', async () => {
    const signed: Buffer[] = [];
    const stored: boolean[] = [];
    const lab: Lab = await openLab({
      seams: {
        wrapSigner: between(async (message) => {
          const rows = await certificates(lab);
          const row = rows.find(({ tbs }) => tbs.equals(message));
          stored.push(row !== undefined && row.certificate === null);
          signed.push(Buffer.from(message));
        }),
      },
    });
    const { serial } = await lab.issuance.issue(order((await newKey()).publicKey));
    expect(stored).toEqual([true]);
    const [row] = await certificates(lab);
    expect(row).toMatchObject({ serial, tbs: signed[0] });
    expect(row?.certificate === null || row === undefined ? '' : describeCertificate(row.certificate).serial).toBe(
      serial,
    );
  });

  it('that fails leaves a reservation, which the next call completes with the same serial number', async () => {
    let broken = true;
    const wrapSigner = between(() => {
      if (broken) throw new Error('the token was pulled out');
    });
    const lab = await openLab({ seams: { wrapSigner } });
    const { publicKey } = await newKey();
    await expect(lab.issuance.issue(order(publicKey))).rejects.toThrow('pulled out');
    const [reserved, ...more] = await certificates(lab);
    expect(more).toEqual([]);
    expect(reserved).toMatchObject({ certificate: null, issued_at: null });
    broken = false;
    lab.clock.advance(60_000);
    const { serial } = await lab.issuance.issue(order(publicKey));
    expect(await certificates(lab)).toMatchObject([{ serial: reserved?.serial, tbs: reserved?.tbs }]);
    expect(serial).toBe(reserved?.serial);
  });

  it('is not made of what somebody changed in the database meanwhile', async () => {
    let broken = true;
    const wrapSigner = between(() => {
      if (broken) throw new Error('not now');
    });
    const lab = await openLab({ config: SERVERS_ALLOWED, seams: { wrapSigner } });
    const [mine, theirs] = [await newKey(), await newKey()];
    await expect(lab.issuance.issue(order(mine.publicKey))).rejects.toThrow('not now');
    await expect(lab.issuance.issue(order(theirs.publicKey))).rejects.toThrow('not now');
    broken = false;
    const [first, second] = await certificates(lab);
    await lab.store
      .updateTable('certificates')
      .set({ tbs: second?.tbs ?? Buffer.alloc(0) })
      .where('serial', '=', first?.serial ?? '')
      .execute();
    await expect(lab.issuance.complete(first?.serial ?? '')).rejects.toMatchObject({
      code: 'ROW_NOT_AUTHENTIC',
    });
    expect(await certificates(lab)).toMatchObject([{ certificate: null }, { certificate: null }]);
  });

  it('made while the host was revoked is thrown away', async () => {
    let revoking = false;
    const lab: Lab = await openLab({
      config: SERVERS_ALLOWED,
      seams: {
        wrapSigner: between(async () => {
          if (revoking) await lab.services.hosts.revoke('web-1', 'stolen', OPERATOR);
        }),
      },
    });
    const host = await joinHost(lab, {});
    await host.serve();
    const row = await hostRow(lab, 'web-1');
    revoking = true;
    const { publicKey } = await newKey();
    await expect(lab.certificates.exporter(row, 'node', publicKey, SERVER)).rejects.toMatchObject({
      code: 'IDENTITY_REJECTED',
    });
    const unsigned = await lab.store.selectFrom('certificates').selectAll().where('certificate', 'is', null).execute();
    expect(unsigned).toMatchObject([{ host_id: row.id, revoked_at: expect.any(String) as string }]);
  });
});

describe('a host that was revoked after its call was let in', () => {
  it('gets no certificate, and nothing is stored for it', async () => {
    const lab = await openLab({ config: SERVERS_ALLOWED });
    const host = await joinHost(lab, {});
    await host.serve();
    const row = await hostRow(lab, 'web-1');
    await lab.services.hosts.revoke('web-1', '', OPERATOR);
    const before = await lab.store.selectFrom('certificates').select('serial').execute();
    const { publicKey } = await newKey();
    await expect(lab.certificates.exporter(row, 'node', publicKey, SERVER)).rejects.toMatchObject({
      code: 'IDENTITY_REJECTED',
    });
    await expect(lab.certificates.identity(row, publicKey, SERVER)).rejects.toMatchObject({
      code: 'IDENTITY_REJECTED',
    });
    expect(await lab.store.selectFrom('certificates').select('serial').execute()).toEqual(before);
  });
});

describe('issuing again', () => {
  it('with the same key and names gives the same certificate, also at the same moment', async () => {
    const lab = await openLab();
    const { publicKey } = await newKey();
    const all = await Promise.all(Array.from({ length: 20 }, () => lab.issuance.issue(order(publicKey))));
    expect(new Set(all.map(({ serial }) => serial)).size).toBe(1);
    lab.clock.advance(1000);
    expect(await lab.issuance.issue(order(publicKey))).toEqual(all[0]);
    expect(await certificates(lab)).toHaveLength(1);
  });

  it('with the same key and other names gives another certificate of the same line', async () => {
    const lab = await openLab({ config: SERVERS_ALLOWED });
    const host = await joinHost(lab, {});
    await host.checkIn([report()]);
    const { publicKey } = await newKey();
    const first = await lab.certificates.exporter(await hostRow(lab, 'web-1'), 'node', publicKey, SERVER);
    await host.checkIn([report()], '198.51.100.8');
    const second = await lab.certificates.exporter(await hostRow(lab, 'web-1'), 'node', publicKey, '198.51.100.8');
    expect(second.serial).not.toBe(first.serial);
  });

  it.each<[string, (lab: Lab) => Promise<CertificateOrder['publicKey']>]>([
    [
      "a host's",
      async (lab) => {
        const key = await newKey();
        await lab.enrol(enrolment(await newToken(lab), key));
        return key.publicKey;
      },
    ],
    [
      'another scraper’s',
      async (lab) => {
        const { publicKey } = await newKey();
        const spiffeId = { trustDomain: 'torchpass.internal', kind: 'scraper', name: 'other' } as const;
        await lab.issuance.issue(order(publicKey, { subjectName: 'other', spiffeId }));
        return publicKey;
      },
    ],
    [
      'a revoked certificate’s',
      async (lab) => {
        const { publicKey } = await newKey();
        const { serial } = await lab.issuance.issue(order(publicKey));
        const revoked_at = lab.clock.now().toISOString();
        await lab.store.updateTable('certificates').set({ revoked_at }).where('serial', '=', serial).execute();
        return publicKey;
      },
    ],
    [
      'an ended certificate’s',
      async (lab) => {
        const { publicKey } = await newKey();
        await lab.issuance.issue(order(publicKey));
        lab.clock.advance(3_600_000);
        return publicKey;
      },
    ],
  ])('with a key that is %s is refused', async (_what, used) => {
    const lab = await openLab();
    const publicKey = await used(lab);
    const before = await certificates(lab);
    await expect(lab.issuance.issue(order(publicKey))).rejects.toMatchObject({ code: 'KEY_REUSED' });
    expect(await certificates(lab)).toEqual(before);
  });

  it('with a key that got another line while the certificate was drafted is refused too', async () => {
    const lab = await openLab();
    const key = await newKey();
    const draft = lab.issuance.draft(order(key.publicKey));
    await lab.enrol(enrolment(await newToken(lab), key));
    const reserve = lab.store.transaction().execute((transaction) => lab.issuance.reserve(transaction, draft));
    await expect(reserve).rejects.toMatchObject({ code: 'KEY_REUSED' });
    expect(await certificates(lab)).toEqual([]);
  });
});

describe('what the lint refuses stores nothing', () => {
  it.each<[string, Partial<CertificateOrder>]>([
    ['another trust domain', { spiffeId: { trustDomain: 'evil.example', kind: 'scraper', name: 'lab' } }],
    ['an identity of another kind', { spiffeId: { trustDomain: 'torchpass.internal', kind: 'controller' } }],
    ['a DNS name that is none', { dnsNames: ['*.example.org'] }],
    ['an IP address that is not canonical', { ipAddresses: ['2001:DB8::1'] }],
    ['names where none belong', { dnsNames: ['web.example.org'] }],
  ])('%s', async (_what, change) => {
    const lab = await openLab();
    const { publicKey } = await newKey();
    await expect(lab.issuance.issue(order(publicKey, change))).rejects.toMatchObject({ code: 'LINT_FAILED' });
    expect(await certificates(lab)).toEqual([]);
  });
});

it('the certificate issued last is the newest of its line, also when the clock was set back', async () => {
  const lab = await openLab();
  const line = { role: 'scraper' as const, hostId: null, subjectName: 'lab' };
  for (const step of [0, -20_000, -20_000]) {
    lab.clock.advance(step);
    const { serial } = await lab.issuance.issue(order((await newKey()).publicKey));
    expect((await newestOfLine(lab.store, line))?.serial).toBe(serial);
  }
});

it('a certificate never outlives its authority', async () => {
  const lab = await openLab();
  const { notAfter } = lab.authorities.active('scraper');
  const { publicKey } = await newKey();
  const issued = await lab.issuance.issue(order(publicKey, { lifetimeMs: 100 * 365 * 86_400_000 }));
  expect(issued.notAfter).toEqual(notAfter);
});

it('a reservation of an authority that signs no more is not completed, nor one that is not there', async () => {
  const lab = await openLab();
  const { publicKey } = await newKey();
  const draft = lab.issuance.draft(order(publicKey));
  await lab.store.transaction().execute((transaction) => lab.issuance.reserve(transaction, draft));
  const authority_id = lab.authorities.active('agent').id;
  await lab.store.updateTable('certificates').set({ authority_id }).where('subject_name', '=', 'lab').execute();
  await expect(lab.issuance.complete(draft.prepared.serial)).rejects.toMatchObject({ code: 'AUTHORITY_MISSING' });
  await expect(lab.issuance.complete('00')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
