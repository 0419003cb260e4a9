import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Children } from './children.ts';

function children(): Children {
  const folder = mkdtempSync(join(tmpdir(), 'torchpass-children-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return new Children(folder);
}

const shell = (script: string) => ['sh', ['-c', script]] as const;

it('starts nothing once everything is being stopped', async () => {
  const programs = children();
  await programs.stop();
  expect(() => programs.start('late', ...shell('true'))).toThrow('late is not started');
  await expect(programs.run('late', ...shell('true'))).rejects.toThrow('late is not started');
});

it('a stop ends a program that is run to its end, and those that go on', async () => {
  const programs = children();
  programs.start('first', ...shell('exec sleep 600'));
  const running = programs.run('second', ...shell('exec sleep 600'));
  const [ended] = await Promise.allSettled([running, programs.stop()]);
  expect(ended).toMatchObject({ reason: { message: 'second ended with SIGTERM.' } });
});

it('a program that fails is told with the end of its log, of this run alone', async () => {
  const programs = children();
  await programs.run('job', ...shell('echo earlier >&2'));
  const failed = programs.run('job', ...shell('echo later >&2; exit 7'));
  await expect(failed).rejects.toMatchObject({
    code: 'PROGRAM_ENDED',
    message: 'job ended with exit status 7. Its log ends:\nlater\n--',
  });
});

it('a program that goes on and ends all the same is a loss', async () => {
  const programs = children();
  programs.start('server', ...shell('exit 3'));
  await expect(programs.loss).rejects.toThrow('server ended with exit status 3.');
});

it('a program that is not there is told by name', async () => {
  await expect(children().run('job', '/nowhere/program', [])).rejects.toMatchObject({
    code: 'PROGRAM_ENDED',
    message: expect.stringMatching(/^job could not be started: .*ENOENT/),
  });
});
