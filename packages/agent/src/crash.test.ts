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

/** What is wrong at the end; nothing may be, whatever happened before. */
async function findFaults(lab: Lab): Promise<string[]> {
  const { book } = lab.controller;
  const root = lab.settings.storagePath;
  const { exporters } = await lab.agent().status();
  const serial = exporters[0]?.certificate?.serial;
  const serving = exporters[0]?.serving;
  const generations = join(root, 'exporters/node/generations');
  const pairs = [[join(root, 'identity/identity.pem'), join(root, 'identity/identity.pem')]];
  for (const name of (await readdir(generations)).filter((entry) => !entry.endsWith(STAGED))) {
    pairs.push([join(generations, name, 'certificate.pem'), join(generations, name, 'key.pem')]);
  }
  const torn: string[] = [];
  for (const [certificate = '', key = ''] of pairs) if (!(await isPair(certificate, key))) torn.push(certificate);
  const [leaf] = certificatesOf(await readFile(join(root, 'identity/identity.pem'), 'utf8'));
  // No certificate was made for nothing: the newest of each kind is the one in use.
  const newest = (purpose: string) => {
    const chains = [...book.issued.values()].filter((entry) => entry.purpose === purpose).map(({ chain }) => chain[0]);
    return serialOf(chains.at(-1));
  };
  const litter = (path: string) => /next-key|join-key|lock|canary/.test(path) && !path.endsWith(STAGED);
  return [
    ...(book.hosts.map(({ name }) => name).join() === 'web-1' ? [] : [`there are ${book.hosts.length} hosts`]),
    ...(await lab.stored()).filter(litter).map((path) => `${path} was left`),
    ...torn.map((path) => `${path} does not fit its key`),
    ...(serving?.locked === true ? [] : [`it is not locked: ${serving?.problem ?? ''}`]),
    ...(serial === newest('node') && serving?.serial === serial ? [] : ['it does not serve the newest certificate']),
    ...(serialOf(leaf?.raw) === newest('identity') ? [] : ['the newest identity is not in use']),
  ];
}

function serialOf(certificate: Buffer | undefined): string {
  return certificate === undefined ? 'none' : describeCertificate(certificate).serial;
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
        const { missing } = await lab.agent().enroll(token);
        const faults = await findFaults(lab);
        const issued = lab.controller.book.issued.size;
        expect({ n, at, missing, faults, issued }).toEqual({ n, at, missing: [], faults: [], issued: 2 });
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
        const inBetween = (await lab.agent().status()).exporters[0]?.serving?.locked;
        const { missing } = await lab.agent().sync();
        const faults = await findFaults(lab);
        const calls = lab.controller.book.calls.length;
        await lab.agent().sync();
        const nextPass = lab.controller.book.calls.slice(calls);
        const strangers = await watch.end();
        const { restarts } = lab.exporter;
        expect({ n, at, inBetween, missing, faults, nextPass, strangers, restarts }).toEqual({
          n,
          at,
          inBetween: true,
          missing: [],
          faults: [],
          nextPass: ['checkIn'],
          strangers: [],
          restarts: 1,
        });
        return crashed;
      }),
    );
    expect(steps).toBeGreaterThan(30);
  },
);

test(
  'an agent that dies at any step of giving up a scraper key has restarted its exporter in the end, and does not go on doing so',
  { timeout: MANY_SECONDS },
  async () => {
    const installation = await createInstallation(systemClock);
    const steps = await everyStep((n) =>
      inLab(installation, async (lab) => {
        await lab.agent().enroll(lab.controller.token());
        lab.controller.book.restartGeneration = 1;
        const { at, crashed } = await dieBefore(n, lab, (agent) => agent.sync());
        const { missing } = await lab.agent().sync();
        const faults = await findFaults(lab);
        const reported = lab.controller.book.reports[0]?.restartGeneration;
        const after = lab.exporter.restarts;
        await lab.agent().sync();
        const more = lab.exporter.restarts - after;
        expect({ n, at, missing, faults, reported, more }).toEqual({
          n,
          at,
          missing: [],
          faults: [],
          reported: 1,
          more: 0,
        });
        // The first was to lock it; a crash between the restart and its note repeats it.
        expect(after).toBeGreaterThanOrEqual(2);
        expect(after).toBeLessThanOrEqual(3);
        return crashed;
      }),
    );
    expect(steps).toBeGreaterThan(5);
  },
);

/** Tries to get in as a stranger, again and again, until told to end. */
function watchForStrangers(lab: Lab): { end: () => Promise<string[]> } {
  const target = { host: '127.0.0.1', port: lab.exporter.port };
  const options = { timeoutMs: 3000, maxBytes: 1000 };
  const entered: string[] = [];
  const ending = new AbortController();
  const watching = (async () => {
    while (!ending.signal.aborted) {
      if ((await probePlain(target, options)) === 'open') entered.push('plain HTTP');
      if ((await probeTls(target, options)).kind === 'answered') entered.push('no certificate');
    }
  })();
  return {
    async end() {
      ending.abort();
      await watching;
      return entered;
    },
  };
}
