import { TorchpassError } from '@torchpass/core';
import {
  prepareIssuingAuthority,
  readCertificateRequest,
  signAuthority,
  type PreparedCertificate,
} from '@torchpass/pki';
import { z } from 'zod';
import { ROLES } from '../issuance/authorities.ts';
import type { OfflineRoot } from './root-file.ts';

/** What a controller asks of a root whose key is kept elsewhere, as a file: JSON. Nothing in it is secret. */
const FORMAT = 'torchpass authority request 1';

const authorityRequest = z.strictObject({
  format: z.literal(FORMAT),
  role: z.enum(ROLES),
  trustDomain: z.string(),
  /** Serial number, lower-case hexadecimal. */
  serial: z.string().regex(/^[0-9a-f]{32}$/),
  notBefore: z.iso.datetime(),
  notAfter: z.iso.datetime(),
  /** PKCS #10, DER in base64: proves that who asks has the key. */
  request: z.base64(),
});

export type AuthorityRequest = Omit<z.output<typeof authorityRequest>, 'format'>;

export const renderAuthorityRequest = (request: AuthorityRequest): string =>
  `${JSON.stringify({ format: FORMAT, ...request }, undefined, 2)}\n`;

/** CSR_INVALID. */
export function readAuthorityRequest(text: string): AuthorityRequest & { publicKey: Buffer; fingerprint: string } {
  const read = parse(text);
  return { ...read, ...readCertificateRequest(Buffer.from(read.request, 'base64')) };
}

/** The DER certificate that a request asks for. CSR_INVALID when it is for another trust domain; LINT_FAILED. */
export async function signAuthorityRequest(request: ReturnType<typeof readAuthorityRequest>, root: OfflineRoot) {
  if (request.trustDomain !== root.trustDomain) {
    throw new TorchpassError(
      'CSR_INVALID',
      `The request is of "${request.trustDomain}", the root of "${root.trustDomain}".`,
    );
  }
  return signAuthority(prepared(request, root), request, root.signer);
}

function prepared(request: ReturnType<typeof readAuthorityRequest>, root: OfflineRoot): PreparedCertificate {
  const { role, trustDomain, publicKey } = request;
  return prepareIssuingAuthority({
    role,
    trustDomain,
    publicKey,
    root: root.certificate,
    rootSigner: root.signer,
    serialNumber: Buffer.from(request.serial, 'hex'),
    notBefore: new Date(request.notBefore),
    notAfter: new Date(request.notAfter),
  });
}

function parse(text: string): z.output<typeof authorityRequest> {
  try {
    return authorityRequest.parse(JSON.parse(text));
  } catch (error) {
    throw new TorchpassError('CSR_INVALID', 'This is not a request for an authority.', {
      cause: error,
      hint: 'It is what "torchpass-controller ca request" writes.',
    });
  }
}
