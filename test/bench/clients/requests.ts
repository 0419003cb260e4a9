import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createCertificateRequest } from '@torchpass/pki';

export interface KeyAndRequest {
  key: KeyObject;
  /** DER. */
  request: Buffer;
}

/** Keys and certificate requests, made beforehand. */
export interface Supply {
  take(): KeyAndRequest;
  /** How many had to be made late. */
  readonly late: number;
}

export function makeKeyAndRequest(): KeyAndRequest {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { key, request: createCertificateRequest(key) };
}

export function supply(count: number): Supply {
  const stock = Array.from({ length: count }, makeKeyAndRequest);
  let late = 0;
  return {
    get late() {
      return late;
    },
    take() {
      const next = stock.pop();
      if (next !== undefined) return next;
      late += 1;
      return makeKeyAndRequest();
    },
  };
}
