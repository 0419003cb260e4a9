import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Lab, startLab } from './testing/lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await startLab();
});
afterEach(() => lab.close());

const joined = async () => {
  await lab.agent().enroll(lab.controller.token());
  return lab.exporter.restarts;
};
const reported = () => lab.controller.book.reports[0]?.restartGeneration;
const byHand = () => ({ ...lab.settings, exporters: [{ ...lab.exporterSettings, restart: undefined }] });

describe('when a scraper key was given up', () => {
  test('the exporter is restarted once, and the controller is told', async () => {
    const before = await joined();
    expect(reported()).toBe(0);
    lab.controller.book.restartGeneration = 3;
    expect(await lab.agent().sync()).toMatchObject({ complete: true });
    expect([lab.exporter.restarts, reported()]).toEqual([before + 1, 3]);
    await lab.agent().sync();
    await lab.agent().sync({ renew: true });
    expect([lab.exporter.restarts, reported()]).toEqual([before + 1, 3]);
    lab.controller.book.restartGeneration = 4;
    await lab.agent().sync();
    expect([lab.exporter.restarts, reported()]).toEqual([before + 2, 4]);
  });

  test('a host that joins later starts its exporter with the new trust and is not restarted for it again', async () => {
    lab.controller.book.restartGeneration = 3;
    const restarts = await joined();
    await lab.agent().sync();
    expect([restarts, lab.exporter.restarts, reported()]).toEqual([1, 1, 3]);
  });

  test('one that cannot be restarted is tried again at the next pass, and is not reported as restarted', async () => {
    const before = await joined();
    lab.controller.book.restartGeneration = 3;
    const settings = { ...lab.settings, exporters: [{ ...lab.exporterSettings, restart: ['/bin/false'] }] };
    const { problems } = await lab.agent({ settings }).sync();
    expect(problems).toMatchObject([{ what: expect.stringMatching(/Restarting the exporter "node"/) as string }]);
    expect([lab.exporter.restarts, reported()]).toEqual([before, 0]);
    await lab.agent().sync();
    expect([lab.exporter.restarts, reported()]).toEqual([before + 1, 3]);
  });

  test('one that nobody told us how to restart waits for a person, who says when it is done', async () => {
    const before = await joined();
    lab.controller.book.restartGeneration = 3;
    const agent = () => lab.agent({ settings: byHand() });
    const told = { what: expect.stringMatching(/has to be restarted/) as string };
    expect(await agent().sync()).toMatchObject({ complete: false, problems: [told] });
    expect(await agent().sync()).toMatchObject({ complete: false, problems: [told] });
    expect(reported()).toBe(0);
    await lab.exporter.restart();
    expect(await agent().sync({ restarted: true })).toMatchObject({ complete: true });
    expect(await agent().sync()).toMatchObject({ complete: true });
    expect([lab.exporter.restarts, reported()]).toEqual([before, 3]);
  });

  test('a damaged note costs one more restart', async () => {
    const before = await joined();
    lab.controller.book.restartGeneration = 3;
    await lab.agent().sync();
    await writeFile(join(lab.settings.storagePath, 'exporters/node/last-start'), '99999999999999999999\n');
    await lab.agent().sync();
    expect([lab.exporter.restarts, reported()]).toEqual([before + 2, 3]);
  });

  test('trust that does not work is not taken back: rather nobody is admitted than the given-up key', async () => {
    await joined();
    const { webConfig } = lab.exporterSettings;
    const text = await readFile(webConfig, 'utf8');
    await lab.controller.installation.giveUp('scraper');
    lab.controller.book.restartGeneration = 3;
    lab.exporter.frozenAt = text;
    expect(await lab.agent().sync()).toMatchObject({ complete: false });
    expect(await readFile(webConfig, 'utf8')).not.toBe(text);
    expect(reported()).toBe(0);
    lab.exporter.frozenAt = undefined;
    await lab.agent().sync();
    expect(reported()).toBe(3);
  });
});
