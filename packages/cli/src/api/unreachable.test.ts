import { describe, expect, it } from 'vitest';
import { fakeApi } from '../testing/fake-api.ts';
import { overUnixSocket } from './unix-socket.ts';
import { joinGroup, unreachable } from './unreachable.ts';

describe('a socket that may not be opened', () => {
  it.each(['EACCES', 'EPERM'])('%s says so, and who may', async (code) => {
    const error = Object.assign(new Error(`connect ${code}`), { code });
    const found = await unreachable(error, '/run/torchpass/controller.sock', false);
    expect(found).toMatchObject({
      code: 'CONTROLLER_UNREACHABLE',
      message: expect.stringContaining('may not open'),
      hint: expect.stringContaining('root'),
    });
  });

  it('names the group to join', () => {
    expect(joinGroup('root:x:0:\ntorchpass:x:987:alice\n', 987)).toContain('usermod --append --groups torchpass USER');
  });

  it.each([
    ['root’s own', 'root:x:0:\n', 0],
    ['a group without a name', 'root:x:0:\n', 987],
    ['no list of groups', '', 987],
  ])('asks for root with %s', (_name, groups, gid) => {
    expect(joinGroup(groups, gid)).toBe('Run it as root.');
  });
});

describe('a controller that hangs', () => {
  it('is given up', async () => {
    const api = await fakeApi('silence');
    await expect(overUnixSocket(api.socket, 'olga', 50)('GET', '/api/v1/status')).rejects.toMatchObject({
      code: 'CONTROLLER_UNREACHABLE',
      message: expect.stringContaining('nothing came for'),
    });
    await api.close();
  });
});
