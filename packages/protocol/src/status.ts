import { Metadata, status as Status, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import {
  ERROR_KINDS,
  isTorchpassError,
  reasonOf,
  TorchpassError,
  type ErrorCode,
  type ErrorKind,
} from '@torchpass/core';

/** Trailing metadata that carries our stable code beside gRPC's coarse one. */
const CODE_KEY = 'torchpass-code';

const STATUS_OF_KIND: Record<ErrorKind, Status> = {
  usage: Status.INVALID_ARGUMENT,
  invalid: Status.INVALID_ARGUMENT,
  unauthenticated: Status.UNAUTHENTICATED,
  refused: Status.PERMISSION_DENIED,
  'not-found': Status.NOT_FOUND,
  conflict: Status.FAILED_PRECONDITION,
  exhausted: Status.RESOURCE_EXHAUSTED,
  unavailable: Status.UNAVAILABLE,
  failed: Status.INTERNAL,
  internal: Status.INTERNAL,
};

/** What the caller sees. The cause stays here. */
export function toStatus(error: TorchpassError): Pick<StatusObject, 'code' | 'details' | 'metadata'> {
  const metadata = new Metadata();
  metadata.set(CODE_KEY, error.code);
  return { code: STATUS_OF_KIND[error.kind], details: error.sentence, metadata };
}

/** What the agent makes of a failed call: our own error again, or that the controller cannot be reached. */
export function fromStatus(error: unknown, controller: string): TorchpassError {
  if (isTorchpassError(error)) return error;
  if (!isServiceError(error)) {
    return new TorchpassError('INTERNAL', `The call to the controller at ${controller} failed.`, { cause: error });
  }
  const code = error.metadata?.get(CODE_KEY)[0];
  if (typeof code === 'string' && isErrorCode(code)) return new TorchpassError(code, error.details, { cause: error });
  const unreachable =
    error.code === Status.UNAVAILABLE || error.code === Status.DEADLINE_EXCEEDED || error.code === Status.CANCELLED;
  return unreachable
    ? new TorchpassError(
        'CONTROLLER_UNREACHABLE',
        `The controller at ${controller} does not answer: ${plainReason(error.details || reasonOf(error))}.`,
        {
          cause: error,
          hint: 'Check the address, the port and the firewalls between.',
        },
      )
    : new TorchpassError(
        'PROTOCOL_VIOLATION',
        `The controller at ${controller} answered unexpectedly: ${Status[error.code]}, ${error.details}.`,
        {
          cause: error,
          hint: 'Is this a Torchpass controller, and of a version that fits this agent?',
        },
      );
}

/** The reason without what gRPC wraps around it: `connect ECONNREFUSED 192.0.2.1:7443`. */
export function plainReason(details: string): string {
  if (details.startsWith('Deadline exceeded')) return 'no answer in time';
  const unresolved = /^Name resolution failed for target (?:dns:)?(.*)$/s.exec(details);
  if (unresolved !== null) return `its name cannot be resolved (${unresolved[1]?.replace(/\.$/, '') ?? ''})`;
  const last = details
    .replace(/^(?:\w+: )?No connection established\.?\s*/, '')
    .replace(/^Last error: /, '')
    .replace(/\.? ?Resolution note:.*$/s, '')
    .replace(/^(?:Error: )+/, '')
    .replace(/\.$/, '');
  return last === '' || last === 'null' ? 'no connection could be made' : last;
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && typeof (error as Partial<ServiceError>).code === 'number' && 'details' in error;
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_KINDS, code);
}
