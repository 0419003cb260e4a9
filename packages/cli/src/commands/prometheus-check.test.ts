import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../testing/run.ts';

describe('prometheus check', () => {
  let folder: string;
  const clean = { body: { findings: [] } };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tp-cli-'));
    await writeFile(join(folder, 'p.yml'), 'global: {}\n');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('sends the text and the absolute path of a file', async () => {
    const ran = await run(['prometheus', 'check', 'p.yml'], clean, { folder });
    expect(ran).toMatchObject({ exitCode: 0, output: 'Nothing wrong was found.\n' });
    expect(ran.requests).toEqual([
      ['POST', '/api/v1/prometheus/check', { path: join(folder, 'p.yml'), text: 'global: {}\n' }],
    ]);
  });

  it.each([
    [[], '/etc/prometheus/prometheus.yml'],
    [['--path', '/srv/p.yml'], '/srv/p.yml'],
  ])('reads standard input with %j', async (options, path) => {
    const ran = await run(['prometheus', 'check', '-', ...options], clean, { input: 'a: 1\n' });
    expect(ran.requests).toEqual([['POST', '/api/v1/prometheus/check', { path, text: 'a: 1\n' }]]);
  });

  it.each([
    ['error', 1],
    ['warning', 0],
  ])('shows an %s and exits with %i', async (severity, exitCode) => {
    const finding = { severity, where: 'scrape_configs[0]', problem: 'No CA is set.', remedy: 'Set ca_file.' };
    const body = { findings: [finding] };
    const ran = await run(['prometheus', 'check', 'p.yml'], { body }, { folder });
    expect(ran.exitCode).toBe(exitCode);
    for (const text of Object.values(finding)) expect(ran.output).toContain(text);
    const json = await run(['prometheus', 'check', 'p.yml', '--output=json'], { body }, { folder });
    expect(json.exitCode).toBe(exitCode);
    expect(JSON.parse(json.output)).toEqual(body);
  });

  it.each<[string, string, Buffer | undefined, RegExp]>([
    ['that is not there', 'no.yml', undefined, /There is no file .*no\.yml/],
    ['that is a folder', '.', undefined, /Cannot read/],
    ['that is not text', 'x.yml', Buffer.from([0xff, 0xfe, 0x00]), /not UTF-8/],
    ['that is too large', 'x.yml', Buffer.alloc(1024 * 1024 + 1, 'a'), /larger than 1 MiB/],
  ])('refuses a file %s', async (_name, file, content, complaint) => {
    if (content !== undefined) await writeFile(join(folder, file), content);
    const ran = await run(['prometheus', 'check', file], clean, { folder });
    expect(ran).toMatchObject({ exitCode: 1, requests: [], output: '' });
    expect(ran.errors).toMatch(complaint);
    expect(ran.errors).toContain(folder);
  });
});
