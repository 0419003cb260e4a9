import { status as Status, type Metadata } from '@grpc/grpc-js';
import { TorchpassError } from '@torchpass/core';
import { toStatus } from '@torchpass/protocol';

/** The trailer that carries our code, as the protocol names it. */
const [CODE_KEY = ''] = Object.keys(toStatus(new TorchpassError('INTERNAL', '')).metadata.getMap());

/** How a call ended, in one word: `OK`, our code, or gRPC's own for what is not ours, such as the health of an unknown service. */
export function codeOfStatus({ code, metadata }: { code: Status; metadata?: Metadata | null | undefined }): string {
  if (code === Status.OK) return 'OK';
  const own = metadata?.get(CODE_KEY)[0];
  return typeof own === 'string' ? own : (Status[code] ?? 'UNKNOWN');
}
