import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadSettings } from '@torchpass/agent';
import { loadConfig } from '@torchpass/controller';
import { nodeFiles } from '@torchpass/core';
import { describe, expect, it } from 'vitest';
import { testScope } from '../harness/test-scope.ts';
import { workspace } from '../harness/workspace.ts';
import { ROOT } from './files.ts';

/** The YAML blocks of a page, in order. */
async function blocks(page: string): Promise<string[]> {
  const text = await readFile(join(ROOT, page), 'utf8');
  return Array.from(text.matchAll(/```yaml\n(.*?)```/gs), ([, yaml = '']) => yaml);
}

/** Users of another machine, put aside: what is tried is the keys. */
const withoutOwner = (yaml: string) => yaml.replace(/^ *owner:.*\n/m, '');

async function asFile(yaml: string): Promise<string> {
  const path = join(await workspace(testScope()), 'config.yml');
  await writeFile(path, yaml);
  return path;
}

describe('a configuration that is copied from the documentation is accepted', () => {
  it('by the controller', async () => {
    const [controller = ''] = await blocks('docs/operations.md');
    const config = await loadConfig(await asFile(controller), {});
    expect(config.prometheus.user).toBe('prometheus');
  });

  it.each([
    ['docs/operations.md', 1],
    ['README.md', 0],
  ])('by the agent: %s', async (page, index) => {
    const path = await asFile(withoutOwner((await blocks(page))[index] ?? ''));
    const { exporters } = await loadSettings({ configFile: path }, nodeFiles());
    expect(exporters.map(({ name }) => name)).toEqual(['node']);
  });
});
