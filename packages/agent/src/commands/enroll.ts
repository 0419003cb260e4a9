import { formatHostPort, isTorchpassError, type Secret, TorchpassError } from '@torchpass/core';
import { pinOf } from '@torchpass/pki';
import { decodeJoinToken, type JoinToken } from '@torchpass/protocol';
import { checkBundle } from '../controller/bundle.ts';
import { firstContact } from '../controller/first-contact.ts';
import { checkIssued } from '../controller/trust.ts';
import { certificatesOf, type CertificatePair } from '../identity/certificate-pair.ts';
import { pairOf, requestFor } from '../identity/issue.ts';
import { obtain } from '../identity/obtain.ts';
import { type Enrolment, type Identity, readIdentity, writeEnrolment, writePair } from '../identity/store.ts';
import { DEFAULT_WAIT_MS, untilApproved, type Waiting } from './await-approval.ts';
import type { SyncReport } from './report.ts';
import type { Seams } from './seams.ts';
import { syncPass } from './sync.ts';

/**
 * Makes this host a member with a join token, then does one pass. Safe to run twice, and after a crash at any
 * point: it goes on where it was. An identity that is there already stays until the new one is written. The caller holds the lock.
 *
 * Errors: TOKEN_MALFORMED, PIN_MISMATCH, TOKEN_REJECTED, APPROVAL_PENDING, ALREADY_ENROLLED, those of a pass.
 */
export async function enrollHost(
  tokenText: Secret,
  seams: Seams,
  { waitMs = DEFAULT_WAIT_MS, signal }: { waitMs?: number; signal?: AbortSignal },
): Promise<SyncReport> {
  const token = decodeJoinToken(tokenText.reveal());
  const enrolled = await existing(seams);
  if (enrolled !== undefined) {
    refuseOther(enrolled, token);
    seams.say(`This host is already enrolled as "${enrolled.hostName}"; going on from there.`);
    try {
      return await syncPass(seams, { signal });
    } catch (error) {
      if (!isTorchpassError(error, 'IDENTITY_REJECTED')) throw error;
      seams.say(`${error.message} Enrolling again with this token.`);
    }
  }
  await join(token, seams, { waitMs, signal });
  return syncPass(seams, { signal });
}

/** An identity that cannot be used is no reason to refuse a new one. */
async function existing({ layout, files, say }: Seams): Promise<Identity | undefined> {
  try {
    return await readIdentity(layout, files);
  } catch (error) {
    if (!isTorchpassError(error, 'IDENTITY_BROKEN')) throw error;
    say(`${error.message} It is replaced.`);
    return undefined;
  }
}

function refuseOther({ rootsPem, hostName, controller }: Identity, { pins }: JoinToken): void {
  const known = certificatesOf(rootsPem).some(({ raw }) => pins.some((pin) => pin.equals(pinOf(raw))));
  if (known) return;
  throw new TorchpassError(
    'ALREADY_ENROLLED',
    `This host is already enrolled as "${hostName}" with the controller at ${formatHostPort(controller)}, and the token is from another installation.`,
    { hint: 'Run "torchpass-agent leave" first, or give this agent a --storage.path of its own.' },
  );
}

async function join(token: JoinToken, seams: Seams, { waitMs, signal }: Waiting): Promise<void> {
  const { settings, layout, files, clock, say } = seams;
  const { controller: address } = settings;
  if (address === undefined) {
    throw new TorchpassError('USAGE', 'It is not said where the controller is.', {
      hint: 'Give --controller HOST:PORT, or "controller" in the configuration file.',
    });
  }
  const name = formatHostPort(address);
  say(`Looking at the controller at ${name} …`);
  const trust = await firstContact(address, token.pins, clock, signal);
  say(`It is the controller of "${trust.trustDomain}" that made this token. Enrolling …`);

  const controller = seams.connect({ address, trust, identity: undefined, clock, signal });
  try {
    let enrolment: Enrolment | undefined;
    const pair: CertificatePair = await obtain(
      {
        nextKey: layout.identity.joinKey,
        staleKeyErrors: ['KEY_REUSED', 'CSR_INVALID'],
        ask: async (key) => {
          const request = {
            tokenId: token.id,
            tokenSecret: token.secret.reveal(),
            certificateRequest: requestFor(key),
            hostName: settings.hostName,
            agentVersion: seams.version,
          };
          const answer = await untilApproved(() => controller.enroll(request), key, seams, { waitMs, signal });
          const bundle = checkBundle(answer.trust, { trust, shown: controller.shown, name, clock });
          const issued = pairOf(answer.certificate?.chain, key);
          checkIssued(issued.chain, {
            rootsPem: bundle.rootsPem,
            id: { kind: 'agent', trustDomain: trust.trustDomain, host: answer.hostName },
            belongs: (leaf) => key.belongsTo(leaf),
            now: clock.now(),
          });
          enrolment = {
            controller: address,
            hostName: answer.hostName,
            trustDomain: trust.trustDomain,
            rootsPem: bundle.rootsPem,
          };
          return issued;
        },
      },
      files,
    );
    if (enrolment === undefined) throw new TorchpassError('INTERNAL', 'An enrolment ended without an answer.');
    // First whom we belong to, then the identity: once there is an identity, the enrolment is done.
    await writeEnrolment(layout, enrolment, files);
    // A renewal of the identity that is replaced now is not to be finished any more.
    await files.remove(layout.identity.nextKey);
    await writePair(layout, pair, files);
    await files.remove(layout.identity.joinKey);
    say(`This host is "${enrolment.hostName}".`);
  } finally {
    controller.close();
  }
}
