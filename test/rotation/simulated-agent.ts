import { connectController, type Controller } from '@torchpass/agent';
import { parseHostPort, systemClock } from '@torchpass/core';
import { certificatesDigest, certificatesFromPem, certificatesToPem, createCertificateRequest } from '@torchpass/pki';
import type { JoinToken, TrustBundle } from '@torchpass/protocol';
import { enrolment, newKey, pairOf } from '../harness/caller.ts';
import type { LabController } from '../harness/controller.ts';

type Pair = ReturnType<typeof pairOf>;

/**
 * What of an agent a rotation depends on, without files and without an exporter: it speaks the protocol over TLS with the trust that
 * it was given last, acknowledges that, and renews its identity when it is told to. A controller whose chain it does not
 * trust it cannot reach, like a real one.
 */
export interface SimulatedAgent {
  name: string;
  online: boolean;
  /** Rejects when it is cut off. */
  checkIn(): Promise<void>;
  close(): void;
}

export interface Simulation {
  controller: LabController;
  token: JoinToken;
  name: string;
  /** That its target would have; nobody answers there. */
  address: string;
  rootsPem: string;
  trustDomain: string;
}

export async function simulateAgent(simulation: Simulation): Promise<SimulatedAgent> {
  const { controller, token, name, address, trustDomain } = simulation;
  let { rootsPem } = simulation;
  let identity: Pair | undefined;
  let scrapers: Buffer[] = [];
  let client: Controller | undefined;

  const connected = (): Controller =>
    (client ??= connectController({
      address: parseHostPort(controller.address),
      trust: { rootsPem, trustDomain },
      identity,
      clock: systemClock,
      signal: undefined,
    }));
  const reconnect = () => {
    client?.close();
    client = undefined;
  };
  const adopt = (trust: TrustBundle | undefined) => {
    const before = rootsPem;
    rootsPem = certificatesToPem(trust?.roots ?? []);
    scrapers = trust?.scraperAuthorities ?? [];
    if (rootsPem !== before) reconnect();
  };
  const once = () =>
    connected().checkIn({
      agentVersion: 'simulated',
      rootsDigest: certificatesDigest(certificatesFromPem(rootsPem)),
      exporters: [
        {
          name: 'node',
          port: 9100,
          address,
          metricsPath: '',
          job: '',
          servingSerial: Buffer.alloc(0),
          problem: '',
          scrapersDigest: certificatesDigest(scrapers),
          restartGeneration: 0,
        },
      ],
    });

  const key = await newKey();
  const answer = await connected().enroll(enrolment(token, key, name));
  identity = pairOf(answer.certificate, key);
  adopt(answer.trust);
  reconnect();

  return {
    name,
    online: true,
    async checkIn() {
      try {
        const { trust, renewIdentity } = await once();
        adopt(trust);
        if (!renewIdentity) return;
        const next = await newKey();
        const issued = await connected().issueCertificate({
          purpose: { $case: 'identity', value: {} },
          certificateRequest: createCertificateRequest(next),
        });
        identity = pairOf(issued.certificate, next);
        reconnect();
      } catch (error) {
        reconnect();
        throw error;
      }
    },
    close: reconnect,
  };
}
