import { createRoot, generatePrivateKey, newSerialNumber, softwareSigner } from '@torchpass/pki';
import { systemRandom } from '@torchpass/core';
import SqliteDatabase from 'better-sqlite3';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { joinHost, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';
import { labPassphrase } from '../testing/surroundings.ts';
import { inspect, refuseErrors } from './check.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

/** Two hosts that serve an exporter each. */
async function withTwoHosts(): Promise<Lab> {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  await (await joinHost(lab, { name: 'a' })).serve();
  await (await joinHost(lab, { name: 'b', address: '198.51.100.8' })).serve();
  await lab.close();
  return lab;
}

/** Past Torchpass: no triggers of ours, no foreign keys. */
function damage(lab: Lab, change: string | ((database: SqliteDatabase.Database) => void)): void {
  const database = new SqliteDatabase(join(lab.config.storage_path, 'torchpass.db'));
  database.pragma('foreign_keys = OFF');
  if (typeof change === 'string') database.exec(change);
  else change(database);
  database.close();
}

const findingsIn = async (lab: Lab) => (await inspect(lab, labPassphrase(lab))).findings;
const asText = (findings: Awaited<ReturnType<typeof findingsIn>>) =>
  findings.map(({ severity, subject, problem }) => `${severity}: ${subject}: ${problem}`);

it('finds nothing to say about what the controller does: joins, renewals, a host that left and one that was thrown out', async () => {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  const a = await joinHost(lab, { name: 'a' });
  await a.serve();
  lab.clock.advance(1000);
  await a.serve();
  await (await joinHost(lab, { name: 'b', address: '198.51.100.8' })).serve();
  await lab.services.hosts.revoke('b', 'stolen', OPERATOR);
  expect(asText(await findingsIn(lab))).toEqual([]);
});

/** The exporter certificates of the hosts, the first of them. */
const LEAF = `(select min(serial) from certificates where role = 'exporter' and host_id is not null)`;
const OTHER_LEAF = `(select max(serial) from certificates where role = 'exporter' and host_id is not null)`;
const set = (column: string, value: string) => `update certificates set ${column} = ${value} where serial = ${LEAF}`;
const authority = (column: string, value: string, role = 'exporter') =>
  `update authorities set ${column} = ${value} where role = '${role}' and state = 'active'`;
const of = (column: string, where: string) => `(select ${column} from authorities where ${where})`;
const HOST_A = `(select id from hosts where name = 'a')`;

function withByte(bytes: Buffer, at: number): Buffer {
  const index = at < 0 ? bytes.length + at : at;
  return Buffer.concat([bytes.subarray(0, index), Buffer.from([(bytes[index] ?? 0) ^ 1]), bytes.subarray(index + 1)]);
}

const flip = (table: string, where: string, at: number) => (database: SqliteDatabase.Database) => {
  const found = database.prepare<[], { certificate: Buffer }>(`select certificate from ${table} where ${where}`).get();
  if (found === undefined) throw new Error('there is no such row');
  database.prepare(`update ${table} set certificate = ? where ${where}`).run(withByte(found.certificate, at));
};

describe.each<[string, string | ((database: SqliteDatabase.Database) => void), RegExp]>([
  // Certificates
  [
    'a bit of a signature',
    flip('certificates', `serial = ${LEAF}`, -1),
    /error: certificate .*signature is wrong|cannot be read/,
  ],
  ['a bit of a name', flip('certificates', `serial = ${LEAF}`, 200), /error: certificate/],
  [
    'a certificate that is cut off',
    set('certificate', 'substr(certificate, 1, 100)'),
    /error: certificate .*cannot be read/,
  ],
  [
    'another certificate',
    set('certificate', `(select certificate from certificates where serial = ${OTHER_LEAF})`),
    /serial number.* is not what the database says/,
  ],
  ['another role', set('role', `'scraper'`), /Its authority is for the role exporter/],
  ['other names', set('ip_addresses', `'["203.0.113.1"]'`), /Its names is not|names.* is not what/],
  ['another key', set('key_fingerprint', `'${'00'.repeat(32)}'`), /key is not what the database says/],
  ['a later end', set('not_after', `'2036-01-01T00:00:00.000Z'`), /end is not what the database says/],
  ['an earlier beginning', set('not_before', `'2020-01-01T00:00:00.000Z'`), /beginning is not what the database says/],
  [
    'another to-be-signed part',
    set('tbs', `(select tbs from certificates where serial = ${OTHER_LEAF})`),
    /to-be-signed part is not/,
  ],
  [
    'an authority of another role',
    set('authority_id', of('id', `role = 'scraper'`)),
    /error: certificate .*names another issuer/,
  ],
  [
    'an authority that is not there',
    set('authority_id', `'4${'0'.repeat(31)}'`),
    /Its authority is not in the database/,
  ],
  [
    'a serial number that counts',
    `update certificates set serial = '4${'0'.repeat(30)}1' where serial = ${LEAF}`,
    /serial number is not random/,
  ],
  [
    'a serial number that is short',
    `update certificates set serial = '4711' where serial = ${LEAF}`,
    /serial number is not one of ours/,
  ],
  [
    'half a serial number twice',
    `update certificates set serial = substr(serial, 1, 16) || substr(${OTHER_LEAF}, 17) where serial = ${LEAF}`,
    /repeats 64 bits/,
  ],
  [
    'a reservation that was never signed',
    `update certificates set certificate = null, issued_at = null, reserved_at = '2025-12-31T00:00:00.000Z' where serial = ${LEAF}`,
    /warning: certificate .*reserved on .* never signed/,
  ],
  ['a signature that nobody noted', set('issued_at', 'null'), /signed or noted as issued, and not both/],
  [
    'an issue before its reservation',
    set('issued_at', `'2020-01-01T00:00:00.000Z'`),
    /warning: certificate .*issued_at is before its reserved_at/,
  ],
  ['a revocation without a reason', set('revoked_at', 'reserved_at'), /revoked without a reason/],
  [
    'two of a line at one moment',
    `insert into certificates select '4a' || substr(serial, 3), authority_id, role, host_id, subject_name, dns_names, ip_addresses, key_fingerprint, tbs, certificate, not_before, not_after, reserved_at, issued_at, confirmed_at, revoked_at, revocation_reason, mac from certificates where serial = ${LEAF}`,
    /same moment/,
  ],
  ['a host that is not there', set('host_id', `'gone'`), /Its host gone is not in the database/],

  // Authorities
  [
    'a bit of an authority',
    flip('authorities', `role = 'exporter'`, -1),
    /error: exporter authority .*signature is wrong|cannot be read/,
  ],
  [
    'the authority of another role',
    authority('certificate', of('certificate', `role = 'scraper'`)),
    /error: exporter authority .*purpose is not/,
  ],
  [
    'the key of another authority',
    authority('key_reference', of('key_reference', `role = 'scraper'`)),
    /private key cannot be opened/,
  ],
  ['no key', authority('key_reference', `''`), /private key is not there/],
  [
    'a longer life of an authority',
    authority('not_after', `'2056-01-01T00:00:00.000Z'`),
    /error: exporter authority .*end is not what/,
  ],
  [
    'a root that is not there',
    authority('issued_by', `'4${'0'.repeat(31)}'`),
    /The root that issued it is not in the database/,
  ],
  ['no active authority', authority('state', `'retiring'`), /error: exporter authority: None is active/],
  [
    'two active authorities',
    `drop index authorities_one_active; update authorities set role = 'scraper' where role = 'exporter'`,
    /scraper authority: 2 are active/,
  ],
  ['a root of another trust domain', 'FOREIGN ROOT', /error: root .*trust domain is spiffe:\/\/elsewhere/],

  // Hosts and targets
  ['a token that is not there', `update hosts set token_id = 'gone' where name = 'a'`, /host a: Its join token gone/],
  [
    'an exporter without its host',
    `update exporters set host_id = 'gone' where host_id = ${HOST_A}`,
    /exporter node: Its host gone/,
  ],
  [
    'a host that ended while its certificates live',
    `update hosts set state = 'revoked', ended_at = '2026-01-01T12:00:00.000Z' where name = 'a'`,
    /error: certificate .*Its host a has ended/,
  ],
  [
    'a host that ended without a time',
    `update hosts set state = 'left' where name = 'a'`,
    /host a: Its state is left, and nothing says/,
  ],
  [
    'a target that nobody looked at',
    `update exporters set seen_serial = null where host_id = ${HOST_A}`,
    /never seen with a certificate of ours/,
  ],
  [
    'a target with the certificate of another host',
    `update exporters set seen_serial = (select seen_serial from exporters where host_id != ${HOST_A}) where host_id = ${HOST_A}`,
    /of another exporter/,
  ],
  [
    'a target with a revoked certificate',
    `update certificates set revoked_at = '2026-01-01T12:30:00.000Z', revocation_reason = 'operator'`,
    /last seen with a revoked certificate/,
  ],
  [
    'one target of two hosts',
    `update exporters set published_target = '198.51.100.7:9100'`,
    /is also that of exporter a\/node/,
  ],
  [
    'a name that policy refuses',
    `update exporters set ip_addresses = '["127.0.0.1"]' where host_id = ${HOST_A}`,
    /warning: exporter a\/node: Policy would refuse it today: 127\.0\.0\.1/,
  ],

  // The audit log
  [
    'an entry of the audit log',
    `drop trigger if exists audit_log_no_update; update audit_log set subject = 'x' where number = 4`,
    /error: audit log: .*Entry 4/,
  ],
])('check finds %s', (_what, change, expected) => {
  it('and nothing is changed by looking', async () => {
    const lab = await withTwoHosts();
    if (change === 'FOREIGN ROOT') {
      const signer = softwareSigner(await generatePrivateKey());
      const times = { notBefore: new Date('2026-01-01T12:00:00Z'), notAfter: new Date('2030-01-01T12:00:00Z') };
      const root = { trustDomain: 'elsewhere', signer, serialNumber: newSerialNumber(systemRandom), ...times };
      const certificate = await createRoot(root);
      damage(lab, (database) => {
        database.prepare(`update authorities set certificate = ? where role = 'root'`).run(certificate);
      });
    } else {
      damage(lab, change);
    }
    const findings = asText(await findingsIn(lab));
    expect(findings.filter((finding) => expected.test(finding))).not.toEqual([]);
  });
});

it('a loose permission is an error, and errors end with CHECK_FAILED', async () => {
  const lab = await withTwoHosts();
  const database = join(lab.config.storage_path, 'torchpass.db');
  await chmod(database, 0o644);
  const checked = await inspect(lab, labPassphrase(lab));
  expect(asText(checked.findings)).toEqual([expect.stringContaining(`chmod 600 ${database}`)]);
  expect(() => refuseErrors(checked)).toThrow('1 of the 1 findings');
});

it('warnings alone end well', async () => {
  const lab = await withTwoHosts();
  damage(lab, `update exporters set ip_addresses = '["127.0.0.1"]' where host_id = ${HOST_A}`);
  const checked = await inspect(lab, labPassphrase(lab));
  expect(checked.findings).toMatchObject([{ severity: 'warning' }]);
  expect(refuseErrors(checked)).toBeUndefined();
});
