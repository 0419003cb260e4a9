import { RETURN_NAMES } from './constants.ts';

/** A function of the module that did not return CKR_OK. Never shown as it is: the edges of this folder translate it. */
export class Pkcs11Failure extends Error {
  readonly code: number;

  constructor(call: string, code: number) {
    super(`${call}: ${RETURN_NAMES[code] ?? `CKR 0x${code.toString(16)}`}`);
    this.code = code;
  }
}

export function failedWith(error: unknown, ...codes: readonly number[]): error is Pkcs11Failure {
  return error instanceof Pkcs11Failure && codes.includes(error.code);
}
