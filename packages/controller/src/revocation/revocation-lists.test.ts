import { nodeFiles } from '@torchpass/core';
import { certificatesToPem } from '@torchpass/pki';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { joinHost, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const DAY_MS = 86_400_000;
const run = promisify(execFile);
const openAllowed = (options: Parameters<typeof openLab>[0] = {}) => openLab({ config: SERVERS_ALLOWED, ...options });

/** The list as OpenSSL reads it. */
async function published(lab: Lab, role: string) {
  const { stdout } = await run('openssl', [
    'crl',
    '-noout',
    '-text',
    '-in',
    join(lab.paths.revocationLists, `${role}.pem`),
  ]);
  const serials = [...stdout.matchAll(/Serial Number: ([0-9A-F]+)/g)].map(([, serial = '']) => serial.toLowerCase());
  const reasons = [...stdout.matchAll(/CRL Reason Code:\s+(.+)/g)].map(([, reason = '']) => reason);
  const number = Number(/CRL Number:\s+(\d+)/.exec(stdout)?.[1]);
  return { serials, reasons, number };
}

/** What OpenSSL says of a leaf that has to be on no list of its authority, at the lab's time. */
async function verdict(lab: Lab, leaf: Buffer): Promise<string> {
  const at = (name: string) => join(lab.folder, name);
  await writeFile(at('leaf.pem'), certificatesToPem([leaf]));
  await writeFile(at('root.pem'), certificatesToPem([...lab.authorities.roots]));
  await writeFile(at('issuer.pem'), certificatesToPem([lab.authorities.active('agent').certificate]));
  const now = String(Math.floor(lab.clock.now().getTime() / 1000));
  const args = ['verify', '-crl_check', '-attime', now, '-CAfile', at('root.pem'), '-untrusted', at('issuer.pem')];
  const crl = join(lab.paths.revocationLists, 'agent.pem');
  return run('openssl', [...args, '-CRLfile', crl, at('leaf.pem')]).then(
    ({ stdout }) => stdout,
    (error: unknown) => String(error),
  );
}

describe('a revocation list', () => {
  it('is there for each authority before anything is revoked', async () => {
    const lab = await openAllowed();
    await lab.revocationLists.refresh();
    for (const role of ['controller', 'agent', 'exporter', 'scraper']) {
      expect((await published(lab, role)).serials).toEqual([]);
      const der = await lab.revocationLists.newest(role);
      const byId = await lab.revocationLists.newest(lab.authorities.active(role as 'agent').id);
      expect(der).toEqual(byId);
      expect(der).toBeInstanceOf(Buffer);
    }
    expect(await lab.revocationLists.newest('other')).toBeUndefined();
  });

  it('has a revoked host at once, and OpenSSL then refuses its identity', async () => {
    const lab = await openAllowed();
    const [bad, good] = [await joinHost(lab, {}), await joinHost(lab, { name: 'web-2', address: '198.51.100.8' })];
    const exporter = await bad.serve();
    await lab.revocationLists.refresh();
    const [before] = [await published(lab, 'agent')];
    const [leaf] = bad.enrolled.certificate.chain;
    const [other] = good.enrolled.certificate.chain;
    expect(await verdict(lab, leaf as Buffer)).toMatch(/OK/);
    lab.clock.advance(1000);
    await lab.services.hosts.revoke('web-1', 'stolen', OPERATOR);
    expect(await published(lab, 'agent')).toEqual({
      serials: [bad.enrolled.certificate.serial],
      reasons: ['Privilege Withdrawn'],
      number: expect.toSatisfy((number: number) => number > before.number) as number,
    });
    expect((await published(lab, 'exporter')).serials).toEqual([exporter]);
    expect(await verdict(lab, leaf as Buffer)).toMatch(/certificate revoked/);
    expect(await verdict(lab, other as Buffer)).toMatch(/OK/);
  });

  it('is signed anew each day, long before it ends, and not in between', async () => {
    const lab = await openAllowed();
    await lab.revocationLists.refresh();
    const first = await lab.revocationLists.newest('agent');
    lab.clock.advance(DAY_MS - 1000);
    await lab.revocationLists.refresh();
    expect(await lab.revocationLists.newest('agent')).toEqual(first);
    lab.clock.advance(1000);
    await lab.revocationLists.refresh();
    expect(await lab.revocationLists.newest('agent')).not.toEqual(first);
    lab.clock.advance(-2 * DAY_MS);
    const { number } = await published(lab, 'agent');
    await lab.revocationLists.refresh();
    expect((await published(lab, 'agent')).number).toBeGreaterThan(number);
  });

  it('keeps what has ended for a week, and then lets it go', async () => {
    const lab = await openAllowed();
    await joinHost(lab, {});
    await lab.services.hosts.revoke('web-1', 'sold', OPERATOR);
    lab.clock.advance(36 * DAY_MS);
    await lab.revocationLists.refresh();
    expect((await published(lab, 'agent')).serials).toHaveLength(1);
    lab.clock.advance(DAY_MS + 60_000);
    await lab.revocationLists.refresh();
    expect((await published(lab, 'agent')).serials).toEqual([]);
  });

  it('that could not be written when it should have been is written later', async () => {
    let broken = false;
    const real = nodeFiles();
    const files: typeof real = {
      ...real,
      write: async (path, ...rest) => {
        if (broken && path.endsWith('agent.pem')) throw new Error('disk full');
        return real.write(path, ...rest);
      },
    };
    const lab = await openAllowed({ files });
    await joinHost(lab, {});
    await lab.revocationLists.refresh();
    broken = true;
    await lab.services.hosts.revoke('web-1', 'stolen', OPERATOR);
    expect((await published(lab, 'agent')).serials).toEqual([]);
    broken = false;
    await lab.revocationLists.refresh();
    expect((await published(lab, 'agent')).serials).toHaveLength(1);
  });

  it('has its number on record before it is signed, and the next one is another', async () => {
    const reserved: (number | undefined)[] = [];
    let watching = false;
    let broken = true;
    const lab: Lab = await openAllowed({
      seams: {
        wrapSigner: (signer) => ({
          ...signer,
          sign: async (message) => {
            if (watching) {
              const row = await lab.store.selectFrom('revocation_lists').select('reserved_number').executeTakeFirst();
              reserved.push(row?.reserved_number);
              if (broken) throw new Error('the token was pulled out');
            }
            return signer.sign(message);
          },
        }),
      },
    });
    watching = true;
    await expect(lab.revocationLists.refresh()).rejects.toThrow('pulled out');
    expect(await lab.revocationLists.newest('controller')).toBeUndefined();
    broken = false;
    await lab.revocationLists.refresh();
    const [first = 0, second] = reserved;
    expect(first).toBeGreaterThan(0);
    expect(second).toBe(first + 1);
    expect((await published(lab, 'controller')).number).toBe(second);
  });
});

it('what is on a list can be read by the group of Prometheus and by nobody else', async () => {
  const lab = await openAllowed();
  await lab.revocationLists.refresh();
  const { stat } = await import('node:fs/promises');
  expect((await stat(join(lab.paths.revocationLists, 'agent.pem'))).mode & 0o777).toBe(0o640);
  expect(await readFile(join(lab.paths.revocationLists, 'agent.pem'), 'utf8')).toMatch(/^-----BEGIN X509 CRL-----/);
});
