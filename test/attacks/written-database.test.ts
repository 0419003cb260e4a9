import {
  createRoot,
  generatePrivateKey,
  newSerialNumber,
  prepareIssuingAuthority,
  prepareLeaf,
  softwareSigner,
  type PreparedCertificate,
} from '@torchpass/pki';
import { systemRandom } from '@torchpass/core';
import { createHash } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { openAuthorities } from '../../packages/controller/src/issuance/authorities.ts';
import { readPassphrase } from '../../packages/controller/src/config/passphrase.ts';
import {
  enrolment,
  hostRow,
  joinHost,
  newKey,
  newToken,
  SERVER,
  SERVERS_ALLOWED,
} from '../../packages/controller/src/testing/host.ts';
import { openLab, type Lab } from '../../packages/controller/src/testing/lab.ts';
import { labPassphrase } from '../../packages/controller/src/testing/surroundings.ts';
import { rotateRequest } from '../../packages/controller/src/api/types.ts';
import { written } from '../../packages/controller/src/testing/written.ts';
import { OPERATOR } from '../../packages/controller/src/testing/operator.ts';

/**
 * Attack: somebody writes to the database, and has no passphrase: an authority, a root, a scraper, a certificate, a host or a token of their own making.
 * Defence: rows that something is signed, trusted or let in for carry a MAC from the passphrase; the root signs only for keys that are sealed here.
 * Lives in: packages/controller/src/store/authentic-rows.ts, controller/src/issuance/authority-check.ts, pki/src/authority.ts.
 * Seen to fail: with `check` of authentic-rows.ts letting everything through all but the second, fourth and fifth; without the comparison of keys in `signAuthority` the second; with `check` and
 * authority-check.ts both gone the fourth and fifth, too.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const YEAR_MS = 365 * 86_400_000;
const NOT_OURS = { code: 'ROW_NOT_AUTHENTIC' };

const restarted = async (lab: Lab) => openAuthorities(lab.store, await readPassphrase(labPassphrase(lab)));
const lifetime = (lab: Lab) => ({
  serialNumber: newSerialNumber(systemRandom),
  notBefore: lab.clock.now(),
  notAfter: new Date(lab.clock.now().getTime() + YEAR_MS),
});

async function agentAuthorityFor(lab: Lab, publicKey: Buffer): Promise<PreparedCertificate> {
  const root = lab.authorities.activeRoot();
  const rootSigner = await lab.authorities.rootSigner(root.id);
  const { trustDomain } = lab.authorities;
  return prepareIssuingAuthority({
    ...lifetime(lab),
    role: 'agent',
    trustDomain,
    root: root.certificate,
    rootSigner: { publicKey: rootSigner.publicKey },
    publicKey,
  });
}

it('an authority of their own is not signed, although its rotation is in the table', async () => {
  const lab = await openLab();
  const { serial, tbs, notBefore, notAfter } = await agentAuthorityFor(lab, (await newKey()).publicKey);
  const times = [notBefore, notAfter, lab.clock.now()].map((time) => time.toISOString());
  written(
    lab,
    `insert into authority_drafts (id, role, key_reference, issued_by, tbs, not_before, not_after, reserved_at, mac)
     select ?, 'agent', key_reference, issued_by, ?, ?, ?, ?, mac from authorities where role = 'agent'`,
    serial,
    tbs,
    ...times,
  );
  written(
    lab,
    `insert into rotations (role, mode, left_behind, reason, started_at, mac)
     select role, 'auto', '[]', '', created_at, mac from authorities where role = 'agent'`,
  );
  for (let pass = 0; pass < 3; pass += 1) await expect(lab.rotation.advance()).rejects.toMatchObject(NOT_OURS);
  expect(lab.authorities.trusted('agent')).toHaveLength(1);
  const told = await lab.services.audit.log({ limit: 10, event: 'database.refused' });
  expect(told.entries).toHaveLength(1);
});

it('nor is one in a row that would be authentic, when its key is not the sealed one', async () => {
  const lab = await openLab();
  const { id } = await lab.services.authorities
    .rotate('agent', rotateRequest.parse({ action: 'step' }), OPERATOR)
    .then(
      ({ authorities }) =>
        authorities.find(({ role, state }) => role === 'agent' && state === 'prepared') ?? { id: '' },
    );
  const row = await lab.store.selectFrom('authorities').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  written(lab, 'delete from authorities where id = ?', id);
  const { role, key_reference, issued_by } = row;
  const foreign = await agentAuthorityFor(lab, (await newKey()).publicKey);
  // As if the MAC were known: the key is then sealed for another serial number, or the certificate is for another key.
  const other = await lab.authorities.keys.create({ id: foreign.serial, role: 'agent' });
  for (const reference of [key_reference, other.reference]) {
    const draft = lab.authorities.authentic.seal('authority_drafts', {
      id: foreign.serial,
      role,
      key_reference: reference,
      issued_by,
      tbs: foreign.tbs,
      not_before: foreign.notBefore.toISOString(),
      not_after: foreign.notAfter.toISOString(),
      reserved_at: row.created_at,
    });
    await lab.store.deleteFrom('authority_drafts').execute();
    await lab.store.insertInto('authority_drafts').values(draft).execute();
    await expect(lab.services.authorities.rotate('agent', rotateRequest.parse({}), OPERATOR)).rejects.toMatchObject({
      code: reference === key_reference ? 'KEY_SEAL_BROKEN' : 'LINT_FAILED',
    });
  }
  expect(lab.authorities.trusted('agent').map((one) => one.includes(foreign.tbs))).not.toContain(true);
});

it('a root of their own is handed to nobody', async () => {
  const lab = await openLab();
  const signer = softwareSigner(await generatePrivateKey());
  const { serialNumber, ...validity } = lifetime(lab);
  const { trustDomain, roots } = lab.authorities;
  const certificate = await createRoot({ trustDomain, signer, serialNumber, ...validity });
  written(
    lab,
    `insert into authorities (id, role, state, certificate, key_reference, not_before, not_after, created_at, mac)
     select ?, 'root', 'prepared', ?, key_reference, not_before, not_after, created_at, mac from authorities where role = 'root'`,
    serialNumber.toString('hex'),
    certificate,
  );
  await expect(lab.rotation.advance()).rejects.toMatchObject(NOT_OURS);
  await expect(lab.authorities.reload()).rejects.toMatchObject(NOT_OURS);
  expect(lab.authorities.roots).toEqual(roots);
  await expect(restarted(lab)).rejects.toMatchObject(NOT_OURS);
});

it('exporters are told of no scraper authority of theirs', async () => {
  const lab = await openLab();
  const signer = softwareSigner(await generatePrivateKey());
  const before = lab.authorities.trusted('scraper');
  const { trustDomain } = lab.authorities;
  const certificate = await createRoot({ trustDomain, signer, ...lifetime(lab) });
  written(lab, `update authorities set certificate = ? where role = 'scraper'`, certificate);
  await expect(lab.authorities.reload()).rejects.toMatchObject(NOT_OURS);
  expect(lab.authorities.trusted('scraper')).toEqual(before);
  await expect(restarted(lab)).rejects.toMatchObject(NOT_OURS);
});

it('an authority that has gone is not brought back by its own old row', async () => {
  const lab = await openLab({ config: { prometheus: { scrape_interval: '1s' } } });
  const old = await lab.store
    .selectFrom('authorities')
    .selectAll()
    .where('role', '=', 'scraper')
    .executeTakeFirstOrThrow();
  await lab.services.scraper.revoke('stolen', OPERATOR);
  await lab.rotation.advance();
  written(
    lab,
    `update authorities set state = 'retiring', key_reference = ?, retired_at = null, dropped_at = null, gone_at = null, mac = ? where id = ?`,
    old.key_reference,
    old.mac,
    old.id,
  );
  await expect(lab.rotation.advance()).rejects.toMatchObject(NOT_OURS);
  const back = { ...old, state: 'prepared' as const };
  await lab.store
    .updateTable('authorities')
    .set(lab.authorities.authentic.seal('authorities', back))
    .where('id', '=', old.id)
    .execute();
  await expect(lab.rotation.advance()).rejects.toMatchObject(NOT_OURS);
  await expect(lab.authorities.reload()).rejects.toMatchObject(NOT_OURS);
  expect(lab.authorities.open(old.id)).toBeUndefined();
});

it('what is reserved is signed for nobody else', async () => {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  await joinHost(lab, { name: 'db-1' });
  await joinHost(lab, { name: 'evil-1', address: '198.51.100.66' });
  const key = await newKey();
  const order = {
    role: 'agent' as const,
    hostId: (await hostRow(lab, 'evil-1')).id,
    subjectName: '',
    dnsNames: [],
    ipAddresses: [],
    publicKey: key.publicKey,
    lifetimeMs: 3_600_000,
  };
  const spiffeId = { trustDomain: lab.authorities.trustDomain, kind: 'agent' as const, host: 'evil-1' };
  const draft = lab.issuance.draft({ ...order, spiffeId });
  await lab.store.transaction().execute((transaction) => lab.issuance.reserve(transaction, draft));
  const { notBefore, notAfter, serial } = draft.prepared;
  const { tbs } = prepareLeaf(
    { role: 'agent', certificate: lab.authorities.active('agent').certificate },
    {
      ...order,
      spiffeId: { ...spiffeId, host: 'db-1' },
      serialNumber: Buffer.from(serial, 'hex'),
      notBefore,
      notAfter,
    },
  );
  written(lab, 'update certificates set tbs = ? where serial = ?', tbs, serial);
  await expect(lab.issuance.complete(serial)).rejects.toMatchObject(NOT_OURS);
  await expect(lab.issuance.issue({ ...order, spiffeId })).rejects.toMatchObject(NOT_OURS);
});

it('a host that renames itself, or widens what it may, gets no certificate', async () => {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  const { serve } = await joinHost(lab, { name: 'evil-1' });
  await serve();
  for (const [column, value] of [
    ['name', 'db-1'],
    ['addresses', '["198.51.100.0/24"]'],
    ['exporters', '["node","other"]'],
  ] as const) {
    const { id, [column]: was } = await hostRow(lab, 'evil-1');
    written(lab, `update hosts set ${column} = ? where id = ?`, value, id);
    const row = await hostRow(lab, column === 'name' ? value : 'evil-1');
    const { publicKey } = await newKey();
    await expect(lab.certificates.identity(row, publicKey, SERVER)).rejects.toMatchObject(NOT_OURS);
    await expect(lab.certificates.exporter(row, 'node', publicKey, SERVER)).rejects.toMatchObject(NOT_OURS);
    written(lab, `update hosts set ${column} = ? where id = ?`, was, id);
  }
});

it('a token whose secret they know lets nobody in', async () => {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  const token = await newToken(lab, { networks: ['203.0.113.0/24'] });
  const row = await lab.store
    .selectFrom('join_tokens')
    .selectAll()
    .where('id', '=', token.id)
    .executeTakeFirstOrThrow();
  const secret = Buffer.alloc(20, 7);
  written(
    lab,
    `insert into join_tokens (id, secret_hash, job, labels, host_name, addresses, networks, exporters, approval, max_uses, uses, note,
       created_at, expires_at, root_ids, mac)
     select 'attackersattacke', ?, job, labels, host_name, addresses, '[]', exporters, 0, 9, 0, note, created_at, expires_at, root_ids, mac
     from join_tokens where id = ?`,
    createHash('sha256').update(secret).digest(),
    row.id,
  );
  const key = await newKey();
  await expect(lab.enrol(enrolment({ id: 'attackersattacke', secret, text: '' }, key))).rejects.toMatchObject({
    code: 'TOKEN_REJECTED',
  });
  written(lab, `update join_tokens set networks = '[]' where id = ?`, token.id);
  await expect(lab.enrol(enrolment(token, key))).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
  await expect(hostRow(lab, 'web-1')).rejects.toThrow('no result');
});
