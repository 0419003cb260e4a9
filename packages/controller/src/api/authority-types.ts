import { z } from 'zod';

const time = z.iso.datetime();

const authorityRole = z.enum(['root', 'controller', 'agent', 'exporter', 'scraper']);

export const authorityView = z.object({
  /** Serial number of its certificate. */
  id: z.string(),
  role: authorityRole,
  state: z.enum(['prepared', 'active', 'retiring', 'gone']),
  /** Where its private key is. */
  key: z.enum(['here', 'elsewhere', 'destroyed']),
  /** The root; null for a root. */
  issuedBy: z.string().nullable(),
  notBefore: time,
  notAfter: time,
  activatedAt: time.nullable(),
  goneAt: time.nullable(),
});

export const rotationView = z.object({
  role: authorityRole,
  /** `auto`: goes on by itself. `step`: waits for an operator. */
  mode: z.enum(['auto', 'step']),
  nextStep: z.enum(['prepare', 'sign', 'activate', 'drop', 'finish']),
  reason: z.string(),
  startedAt: time,
  /** What keeps the next step from being taken. */
  blockers: z.array(
    z.object({
      kind: z.enum(['host', 'token', 'authority', 'prometheus', 'controller', 'signature']),
      id: z.string(),
      name: z.string(),
      reason: z.string(),
      lastSeenAt: time.nullable(),
      until: time.nullable(),
    }),
  ),
});

export const authorityList = z.object({ authorities: z.array(authorityView), rotations: z.array(rotationView) });

export const rotateParams = z.strictObject({ role: authorityRole });

export const rotateRequest = z.strictObject({
  /** `go`: as far as the gates allow, then by itself. `step`: one step. `abort`: back to the former authority. */
  action: z.enum(['go', 'step', 'abort']).default('go'),
  reason: z.string().max(200).default(''),
  /** Names of hosts and ids of tokens that are not waited for. */
  leaveBehind: z.array(z.string().max(100)).max(10_000).default([]),
  /** Leave behind whatever host or token blocks now. */
  force: z.boolean().default(false),
});

export type AuthorityView = z.output<typeof authorityView>;
export type RotationView = z.output<typeof rotationView>;
export type AuthorityList = z.output<typeof authorityList>;
export type RotateRequest = z.output<typeof rotateRequest>;
/** As a client sends it. */
export type RotateInput = z.input<typeof rotateRequest>;
