import { expect, it } from 'vitest';
import { readOptions } from './options.ts';

const read = (...args: string[]) => readOptions(args, '/checkout', '/here');

it('has a default for everything', () => {
  expect(read()).toEqual({
    dataDir: '/checkout/.torchpass',
    hosts: 1,
    exitAfterReady: false,
    ports: { controller: 7443, operations: 7444, prometheus: 9090, exporter: 9100 },
  });
});

it.each([
  [['--prometheus-port', '7443'], '--controller-port and --prometheus-port are both 7443'],
  [['--exporter-port=9401', '--operations-port=9401'], '--operations-port and --exporter-port are both 9401'],
  [['--hosts', '0'], '--hosts takes a whole number from 1 to 100, not "0"'],
  [['--controller-port', '65536'], '--controller-port takes a whole number from 1 to 65535'],
  [['--host', '1'], "Unknown option '--host'"],
])('%j is wrong usage', (args, sentence) => {
  expect(() => read(...args)).toThrow(
    expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(sentence) }),
  );
});
