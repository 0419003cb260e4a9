import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeFiles, systemClock } from '@torchpass/core';
import { crashBefore, SimulatedCrash } from '@torchpass/core/testing';
import { describeCertificate } from '@torchpass/pki';
import { probePlain, probeTls } from '@torchpass/prometheus';
import { expect, test } from 'vitest';
import { certificatesOf } from './identity/certificate-pair.ts';
import { watched } from './testing/connects.ts';
import { createInstallation, type Installation } from './testing/installation.ts';
import { isPair, type Lab, startLab } from './testing/lab.ts';

const MANY_SECONDS = 300_000;
/** What a crash between two steps of one write leaves: nobody reads it, and the next write of that file replaces it. */
const STAGED = '.torchpass-new';

/** A process that dies before step `n`; steps are those of the file system, and each call before it leaves and as it returns. */
async function dieBefore(n: number, lab: Lab, work: (agent: ReturnType<Lab['agent']>) => Promise<unknown>) {
  const point = crashBefore(n);
  const agent = lab.agent({
    files: nodeFiles((step, path) => point.step(`${step} ${path.slice(lab.settings.storagePath.length)}`)),
    connect: watched(
      (call) => point.step(`call ${call}`),
      (call) => point.step(`return from ${call}`),
    ),
  });
  await work(agent).catch((error: unknown) => {
    if (!(error instanceof SimulatedCrash)) throw error;
  });
  return point;
}

/** What has to be true at the end, whatever happened before. */
async function expectFinished(lab: Lab, at: string) {
  const { book } = lab.controller;
  const stored = await lab.stored();
  const root = lab.settings.storagePath;
  const status = await lab.agent().status();
  expect(
    book.hosts.map(({ name }) => name),
    at,
  ).toEqual(['web-1']);
  expect(
    stored.filter((path) => /next-key|lock|canary/.test(path) && !path.endsWith(STAGED)),
    at,
  ).toEqual([]);
  expect(await isPair(join(root, 'identity/identity.pem'), join(root, 'identity/identity.pem')), at).toBe(true);
  const generations = join(root, 'exporters/node/generations');
  for (const name of (await readdir(generations)).filter((entry) => !entry.startsWith('.'))) {
    const folder = join(generations, name);
    expect(await isPair(join(folder, 'certificate.pem'), join(folder, 'key.pem')), at).toBe(true);
  }
  expect(status.exporters[0]?.serving, at).toMatchObject({
    locked: true,
    serial: status.exporters[0]?.certificate?.serial,
  });
  // No certificate was made for nothing: the newest of each kind is the one in use.
  const newest = (purpose: string) => {
    const chains = [...book.issued.values()].filter((entry) => entry.purpose === purpose).map(({ chain }) => chain[0]);
    return describeCertificate(chains.at(-1) ?? Buffer.alloc(0)).serial;
  };
  expect(status.exporters[0]?.certificate?.serial, at).toBe(newest('node'));
  const [leaf] = certificatesOf(await readFile(join(root, 'identity/identity.pem'), 'utf8'));
  expect(describeCertificate(leaf?.raw ?? Buffer.alloc(0)).serial, at).toBe(newest('identity'));
}

/** Calls `attempt` with 1, 2, 3, … until a run meets no crash; two at a time. */
async function everyStep(attempt: (n: number) => Promise<boolean>): Promise<number> {
  let next = 1;
  let done = false;
  const worker = async () => {
    while (!done) {
      const n = next;
      next += 1;
      if (!(await attempt(n))) done = true;
    }
  };
  await Promise.all([worker(), worker()]);
  return next;
}

async function inLab(installation: Installation, work: (lab: Lab) => Promise<boolean>): Promise<boolean> {
  const lab = await startLab({ installation });
  try {
    return await work(lab);
  } finally {
    await lab.close();
  }
}

test(
  'an agent that dies at any step of an enrolment is one host with a locked exporter after the next start',
  { timeout: MANY_SECONDS },
  async () => {
    const installation = await createInstallation(systemClock);
    const steps = await everyStep((n) =>
      inLab(installation, async (lab) => {
        const token = lab.controller.token();
        const { at, crashed } = await dieBefore(n, lab, (agent) => agent.enroll(token));
        const where = `before step ${n}: ${at ?? 'none'}`;
        expect(await lab.agent().enroll(token), where).toMatchObject({ complete: true, missing: [] });
        await expectFinished(lab, where);
        expect(lab.controller.book.issued.size, where).toBe(2);
        return crashed;
      }),
    );
    expect(steps).toBeGreaterThan(50);
  },
);

test(
  'an agent that dies at any step of a renewal never opens its exporter, and the next pass finishes',
  { timeout: MANY_SECONDS },
  async () => {
    const installation = await createInstallation(systemClock);
    const steps = await everyStep((n) =>
      inLab(installation, async (lab) => {
        await lab.agent().enroll(lab.controller.token());
        const watch = watchForStrangers(lab);
        const { at, crashed } = await dieBefore(n, lab, (agent) => agent.sync({ renew: true }));
        const where = `before step ${n}: ${at ?? 'none'}`;
        const stillLocked = (await lab.agent().status()).exporters[0]?.serving;
        expect(stillLocked, where).toMatchObject({ locked: true });
        expect(await lab.agent().sync(), where).toMatchObject({ complete: true, missing: [] });
        await expectFinished(lab, where);
        expect(lab.exporter.restarts, where).toBe(1);
        const calls = lab.controller.book.calls.length;
        await lab.agent().sync();
        expect(lab.controller.book.calls.slice(calls), where).toEqual(['checkIn']);
        expect(await watch.end(), where).toEqual([]);
        return crashed;
      }),
    );
    expect(steps).toBeGreaterThan(30);
  },
);

/** Tries to get in as a stranger, again and again, until told to end. */
function watchForStrangers(lab: Lab): { end: () => Promise<string[]> } {
  const target = { host: '127.0.0.1', port: lab.exporter.port };
  const options = { timeoutMs: 3000, maxBytes: 1000 };
  const entered: string[] = [];
  let ending = false;
  const watching = (async () => {
    while (!ending) {
      if ((await probePlain(target, options)) === 'open') entered.push('plain HTTP');
      if ((await probeTls(target, options)).kind === 'answered') entered.push('no certificate');
    }
  })();
  return {
    async end() {
      ending = true;
      await watching;
      return entered;
    },
  };
}
