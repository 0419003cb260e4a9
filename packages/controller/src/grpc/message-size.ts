import type { ServiceDefinition } from '@grpc/grpc-js';
import { policyOf } from './methods.ts';

/** Stands for a message that is larger than its method's table entry allows; it was not decoded. */
export class TooLarge {
  readonly sentence: string;

  constructor(bytes: number, most: number) {
    this.sentence = `The message has ${bytes} bytes; ${most} are the most that this method takes.`;
  }
}

/**
 * The service with readers that look at the size of a message before they decode it. What is too large becomes a
 * `TooLarge`, which the gate answers: a reader itself could only fail with gRPC's INTERNAL.
 */
export function withMessageSizes<Service extends ServiceDefinition>(service: Service): Service {
  const methods = Object.entries(service).map(([name, method]) => {
    const most = policyOf(method.path)?.maxBytes ?? 0;
    const requestDeserialize = (bytes: Buffer): unknown =>
      bytes.length > most ? new TooLarge(bytes.length, most) : method.requestDeserialize(bytes);
    return [name, { ...method, requestDeserialize }];
  });
  return { ...service, ...Object.fromEntries(methods) };
}
