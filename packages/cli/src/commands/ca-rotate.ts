import { TorchpassError } from '@torchpass/core';
import type { AuthorityView } from '@torchpass/controller/api';
import { command } from '../command.ts';
import { listOption, requiredArgument, switchOption, textOption } from '../option.ts';
import { printAuthorities } from './authority-fields.ts';

const ROLES = ['root', 'controller', 'agent', 'exporter', 'scraper'] as const satisfies AuthorityView['role'][];

function roleFrom(text: string): AuthorityView['role'] {
  const role = ROLES.find((candidate) => candidate === text);
  if (role !== undefined) return role;
  throw new TorchpassError('USAGE', `There is no authority ${JSON.stringify(text)}.`, {
    hint: `It is one of ${ROLES.join(', ')}.`,
  });
}

export const caRotate = command({
  name: 'ca rotate',
  summary: 'replace an authority by a new one, without a failed scrape',
  details:
    'New trust is handed out before anything is signed under it; old trust is dropped when every host has the new. Goes as far as it can, and then on by itself; "torchpass ca list" says for whom it waits.',
  examples: [
    { line: 'torchpass ca rotate exporter', shows: 'all of it, as hosts and Prometheus follow' },
    { line: 'torchpass ca rotate root --step', shows: 'one step; the next one waits for the next --step' },
    { line: 'torchpass ca rotate root --leave-behind web-9', shows: 'goes on without a host that does not come back' },
    { line: 'torchpass ca rotate scraper --abort', shows: 'back to the former authority' },
  ],
  arguments: { authority: requiredArgument('AUTHORITY', ROLES.join(', '), roleFrom) },
  options: {
    step: switchOption('--step', 'take one step, and wait for the next --step'),
    abort: switchOption('--abort', 'go back to the former authority'),
    leaveBehind: listOption('--leave-behind NAME', 'a host or join token not to wait for; the host has to enrol anew'),
    force: switchOption('--force', 'leave behind every host and join token that blocks now'),
    reason: textOption('--reason TEXT', 'why, for the log'),
  },
  confirm({ authority, leaveBehind, force }) {
    if (!force && leaveBehind.length === 0) return undefined;
    const who = force ? 'every host and join token that blocks now' : leaveBehind.join(', ');
    return `Rotate the ${authority} authority without waiting for ${who}? Hosts left behind may have to enrol anew.`;
  },
  run({ api }, { authority, step, abort, leaveBehind, force, reason }) {
    if (abort && step) throw new TorchpassError('USAGE', 'Give --step or --abort, not both.');
    const action = abort ? 'abort' : step ? 'step' : 'go';
    return api.rotateAuthority(roleFrom(authority), {
      action,
      leaveBehind,
      force,
      ...(reason === undefined ? {} : { reason }),
    });
  },
  print: printAuthorities,
});
