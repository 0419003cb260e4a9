import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { loadConfig, openStore, type Store } from '@torchpass/controller';
import { systemClock } from '@torchpass/core';

const BATCH = 200;
const DAY_MS = 24 * 3_600_000;

async function withStore<T>(configFile: string, work: (store: Store) => Promise<T>): Promise<T> {
  const config = await loadConfig(configFile, {});
  const store = await openStore({ path: join(config.storage_path, 'torchpass.db'), clock: systemClock });
  try {
    return await work(store);
  } finally {
    await store.destroy();
  }
}

/** Adds hosts as enrolments and check-ins would have: each with an identity, and an exporter that is published. */
export function fillDatabase(configFile: string, hosts: number): Promise<void> {
  return withStore(configFile, async (store) => {
    const authorities = await store.selectFrom('authorities').selectAll().execute();
    const authority = (role: string) => authorities.find((row) => row.role === role)?.id ?? '';
    // The size of a certificate is what counts here; nothing reads these again.
    const sample = await store.selectFrom('certificates').selectAll().limit(1).executeTakeFirstOrThrow();
    const now = new Date();
    const [at, later] = [now.toISOString(), new Date(now.getTime() + 7 * DAY_MS).toISOString()];
    const token = { id: 'benchbenchbenchb', secret_hash: Buffer.alloc(32), job: 'node', labels: '{}', host_name: null };
    const lists = { addresses: '[]', networks: '[]', exporters: '[]' };
    const uses = {
      mac: '',
      max_uses: hosts,
      uses: hosts,
      note: '',
      created_at: at,
      expires_at: later,
      revoked_at: null,
    };
    const labels = JSON.stringify({ env: 'prod', region: 'eu-central' });

    const rowsOf = (index: number) => {
      const [id, name] = [randomBytes(8).toString('hex'), `web-${String(index).padStart(5, '0')}`];
      const address = `127.${2 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
      const certificate = (role: 'agent' | 'exporter', subject: string, ip: string[]) => ({
        ...sample,
        serial: randomBytes(16).toString('hex'),
        authority_id: authority(role),
        role,
        host_id: id,
        subject_name: subject,
        dns_names: '[]',
        ip_addresses: JSON.stringify(ip),
        key_fingerprint: randomBytes(32).toString('hex'),
        not_before: at,
        not_after: later,
        reserved_at: at,
        issued_at: at,
      });
      const certificates = [certificate('agent', '', []), certificate('exporter', 'node', [address])];
      const host = { id, name, state: 'active' as const, token_id: token.id, job: 'node', labels, addresses: '[]' };
      const target = `${address}:9100`;
      return {
        host: {
          ...host,
          // The hosts of a measurement are asked for nothing.
          mac: '',
          exporters: '[]',
          address,
          agent_version: '0.1.0',
          enrolled_at: at,
          last_seen_at: at,
          ended_at: null,
          end_reason: null,
        },
        certificates,
        use: { token_id: token.id, key_fingerprint: randomBytes(32).toString('hex'), host_id: id, used_at: at },
        exporter: {
          host_id: id,
          name: 'node',
          job: 'node',
          port: 9100,
          metrics_path: '/metrics',
          dns_names: '[]',
          ip_addresses: JSON.stringify([address]),
          target,
          published_target: target,
          problem: null,
          seen_serial: certificates[1]?.serial ?? null,
          checked_at: at,
        },
      };
    };
    await store.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('join_tokens')
        .values({ ...token, ...lists, ...uses })
        .execute();
      for (let from = 0; from < hosts; from += BATCH) {
        const rows = Array.from({ length: Math.min(BATCH, hosts - from) }, (_, index) => rowsOf(from + index));
        await transaction
          .insertInto('hosts')
          .values(rows.map(({ host }) => host))
          .execute();
        await transaction
          .insertInto('token_uses')
          .values(rows.map(({ use }) => use))
          .execute();
        await transaction
          .insertInto('certificates')
          .values(rows.flatMap(({ certificates }) => certificates))
          .execute();
        await transaction
          .insertInto('exporters')
          .values(rows.map(({ exporter }) => exporter))
          .execute();
      }
    });
  });
}

let moves = 0;

/** Makes the next publication differ by one target. */
export function moveOneTarget(configFile: string): Promise<void> {
  return withStore(configFile, async (store) => {
    const { host_id: host } = await store.selectFrom('exporters').select('host_id').limit(1).executeTakeFirstOrThrow();
    moves += 1;
    const moved = { metrics_path: `/metrics/${moves}` };
    await store.updateTable('exporters').set(moved).where('host_id', '=', host).execute();
  });
}
