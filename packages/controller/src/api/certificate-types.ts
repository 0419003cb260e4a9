import { z } from 'zod';

/** Single certificates, as the administration API has them. */

const time = z.iso.datetime();

export const certificateView = z.object({
  serial: z.string(),
  role: z.enum(['controller', 'agent', 'exporter', 'scraper']),
  /** Null for the installation's own. */
  host: z.string().nullable(),
  /** Of the exporter or scraper; empty for an identity and for the controller. */
  name: z.string(),
  /** DNS names and addresses in it. */
  names: z.array(z.string()),
  /** `unsigned`: on record, but nobody has it. */
  state: z.enum(['good', 'revoked', 'ended', 'unsigned']),
  /** Whether it was the last to be issued for its purpose. */
  newest: z.boolean(),
  notBefore: time,
  notAfter: time,
  revokedAt: time.nullable(),
  /** By its name in RFC 5280, 5.3.1. */
  reason: z.string().nullable(),
});

export const listCertificatesRequest = z.strictObject({
  host: z.string().optional(),
  role: z.enum(['controller', 'agent', 'exporter', 'scraper']).optional(),
  /** Also those that are revoked or have ended. */
  all: z.boolean().default(false),
});

export const certificateList = z.object({
  certificates: z.array(certificateView),
  /** Whether there are more than fit into one answer. */
  more: z.boolean(),
});

export const revokeCertificateRequest = z.strictObject({
  reason: z
    .enum([
      'unspecified',
      'keyCompromise',
      'affiliationChanged',
      'superseded',
      'cessationOfOperation',
      'privilegeWithdrawn',
    ])
    .default('unspecified'),
});

export const revokedCertificate = z.object({
  certificate: certificateView,
  /** What the operator still has to think of, as sentences. */
  remarks: z.array(z.string()),
});

export type CertificateView = z.output<typeof certificateView>;
export type CertificateList = z.output<typeof certificateList>;
export type ListCertificatesInput = z.input<typeof listCertificatesRequest>;
export type ListCertificatesRequest = z.output<typeof listCertificatesRequest>;
export type RevokeCertificateRequest = z.output<typeof revokeCertificateRequest>;
export type RevokedCertificate = z.output<typeof revokedCertificate>;
