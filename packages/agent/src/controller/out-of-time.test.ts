import { systemClock } from '@torchpass/core';
import { ManualClock } from '@torchpass/core/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startFakeController } from '../testing/fake-controller.ts';
import { createInstallation, TRUST_DOMAIN } from '../testing/installation.ts';
import { type Lab, startLab } from '../testing/lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await startLab();
});
afterEach(() => lab.close());

describe('a clock that is wrong', () => {
  const ahead = new ManualClock(new Date(Date.now() + 30 * 86_400_000));
  const outOfTime = {
    code: 'CERTIFICATE_UNTRUSTED',
    message: expect.stringMatching(/is not valid by this machine's clock \(20.*Z\)/) as string,
    hint: expect.stringMatching(/^Check the clock/) as string,
  };

  test('at the first look: the right controller is not called an impostor', async () => {
    await expect(lab.agent({ clock: ahead }).enroll(lab.controller.token())).rejects.toMatchObject(outOfTime);
  });

  test('later, when the TLS library is the one to refuse', async () => {
    const clock = { now: () => new Date(Date.now() - 30 * 86_400_000), sleep: systemClock.sleep };
    const old = await startLab({ installation: await createInstallation(clock) });
    try {
      await expect(old.agent({ clock }).enroll(old.controller.token())).rejects.toMatchObject(outOfTime);
    } finally {
      await old.close();
    }
  });

  test('an impostor is one at any time', async () => {
    const id = { kind: 'exporter', trustDomain: TRUST_DOMAIN, host: 'evil', name: 'node' } as const;
    const { installation } = lab.controller;
    const serveAs = await installation.pair(id, true);
    const impostor = await startFakeController(installation, { clock: systemClock, serveAs });
    const agent = lab.agent({ clock: ahead, settings: { ...lab.settings, controller: impostor.address } });
    try {
      await expect(agent.enroll(impostor.token())).rejects.toThrow(/is not this host's controller/);
    } finally {
      await impostor.close();
    }
  });
});
