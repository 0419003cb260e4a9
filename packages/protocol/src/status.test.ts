import { Metadata, status as Status } from '@grpc/grpc-js';
import { ERROR_KINDS, TorchpassError, type ErrorCode } from '@torchpass/core';
import { describe, expect, it } from 'vitest';
import { fromStatus, toStatus } from './status.ts';

describe('errors on the wire', () => {
  it.each(Object.keys(ERROR_KINDS) as ErrorCode[])('carries %s across, without its cause', (code) => {
    const sent = toStatus(
      new TorchpassError(code, 'A sentence.', { hint: 'A step.', cause: new Error('inner secret') }),
    );
    expect(JSON.stringify([sent.details, sent.metadata.toJSON()])).not.toContain('inner secret');
    const received = fromStatus(Object.assign(new Error('x'), sent), 'c.example:7443');
    expect(received.code).toBe(code);
    expect(received.message).toBe('A sentence. A step.');
  });

  it('says that the controller cannot be reached when the transport failed', () => {
    const lost = Object.assign(new Error('x'), {
      code: Status.UNAVAILABLE,
      details: 'ECONNREFUSED',
      metadata: new Metadata(),
    });
    expect(fromStatus(lost, 'c.example:7443')).toMatchObject({
      code: 'CONTROLLER_UNREACHABLE',
      message: expect.stringContaining('c.example:7443'),
    });
  });

  it.each([
    [
      'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: .',
      'connect ECONNREFUSED 127.0.0.1:1',
    ],
    ['No connection established. Last error: null. Resolution note: ', 'no connection could be made'],
    ['No connection established', 'no connection could be made'],
    ['Name resolution failed for target dns:c.example:7443', 'its name cannot be resolved (c.example:7443)'],
    ['Deadline exceeded after 10.001s,LB pick: 0.002s,remote_addr=192.0.2.1:7443', 'no answer in time'],
    ['Connection dropped', 'Connection dropped'],
  ])('tells the reason without the words of gRPC: %s', (details, reason) => {
    const lost = Object.assign(new Error('x'), { code: Status.UNAVAILABLE, details, metadata: new Metadata() });
    expect(fromStatus(lost, 'c.example:7443').message).toBe(
      `The controller at c.example:7443 does not answer: ${reason}.`,
    );
  });

  it('does not trust a code that it does not know', () => {
    const metadata = new Metadata();
    metadata.set('torchpass-code', '__proto__');
    const odd = Object.assign(new Error('x'), { code: Status.INTERNAL, details: 'odd', metadata });
    expect(fromStatus(odd, 'c').code).toBe('PROTOCOL_VIOLATION');
  });
});
