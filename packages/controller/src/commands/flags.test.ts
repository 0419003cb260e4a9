import { expect, it } from 'vitest';
import { flagsAsText } from './flags.ts';

it('flags are given back as they were written, so that the next command can be pasted', () => {
  const flags = {
    'storage.path': '/srv/tp',
    advertiseAddress: 'm.example.org:7443',
    'web.listenAddress': '[::1]:7444',
  };
  expect(flagsAsText(flags)).toEqual([
    '--storage.path=/srv/tp',
    '--advertise-address=m.example.org:7443',
    '--web.listen-address=[::1]:7444',
  ]);
  expect(flagsAsText({})).toEqual([]);
});
