import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { realSurroundings } from '../commands/surroundings.ts';
import { temporaryFolder } from '../testing/surroundings.ts';

async function surroundingsFor(user: string) {
  const path = join(temporaryFolder(), 'controller.yml');
  await writeFile(path, `advertise_address: monitor.example.org:7443\nprometheus: { user: ${user} }\n`);
  return realSurroundings({ 'config.file': path });
}

it('what Prometheus reads stays the controller’s own: only the group is Prometheus’s', async () => {
  const { prometheusOwner } = await surroundingsFor('daemon');
  expect(prometheusOwner).toEqual({ uid: process.geteuid?.(), gid: 1 });
});

it('a user that this machine does not have is refused, with the key that names it', async () => {
  await expect(surroundingsFor('nobody-of-that-name')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/prometheus\.user.*"nobody-of-that-name"/) as string,
  });
});
