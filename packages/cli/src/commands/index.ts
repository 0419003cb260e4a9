import type { Command } from '../command.ts';
import { hostApprove } from './host-approve.ts';
import { auditLog } from './audit-log.ts';
import { auditVerify } from './audit-verify.ts';
import { certificateList } from './certificate-list.ts';
import { certificateRevoke } from './certificate-revoke.ts';
import { caList } from './ca-list.ts';
import { caRotate } from './ca-rotate.ts';
import { hostList } from './host-list.ts';
import { hostRelease } from './host-release.ts';
import { hostReject } from './host-reject.ts';
import { hostRenew } from './host-renew.ts';
import { hostRevoke } from './host-revoke.ts';
import { hostShow } from './host-show.ts';
import { prometheusCheck } from './prometheus-check.ts';
import { prometheusSetup } from './prometheus-setup.ts';
import { scraperRevoke } from './scraper-revoke.ts';
import { scraperStatus } from './scraper-status.ts';
import { status } from './status.ts';
import { targetCheck } from './target-check.ts';
import { targetList } from './target-list.ts';
import { targetPublish } from './target-publish.ts';
import { tokenCreate } from './token-create.ts';
import { tokenList } from './token-list.ts';
import { tokenRevoke } from './token-revoke.ts';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  tokenCreate,
  tokenList,
  tokenRevoke,
  hostList,
  hostShow,
  hostApprove,
  hostReject,
  hostRevoke,
  hostRelease,
  hostRenew,
  certificateList,
  certificateRevoke,
  targetList,
  targetCheck,
  targetPublish,
  auditLog,
  auditVerify,
  caList,
  caRotate,
  scraperRevoke,
  scraperStatus,
  prometheusSetup,
  prometheusCheck,
  status,
];

/** What the first words of two-word commands are about. */
export const groups: Readonly<Record<string, string>> = {
  token: 'join tokens for new servers',
  host: 'the hosts that joined',
  certificate: 'what was issued, and how to end it',
  target: 'what Prometheus scrapes',
  audit: 'what was done and what was refused, by whom and from where',
  ca: 'the authorities that sign certificates',
  scraper: 'what Prometheus scrapes with',
  prometheus: "Prometheus's own files and configuration",
};
