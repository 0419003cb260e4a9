import { certificatesDigest } from '@torchpass/pki';
import { hostRow, joinHost, newKey, report, SERVER, type LabHost } from './host.ts';
import type { Lab } from './lab.ts';

/** A host that does what its agent would: takes the trust it is given, and renews what it is told to. */
export interface FleetHost {
  name: string;
  /** One pass of its agent, as two check-ins: what is, then what has become of it. */
  pass: () => Promise<void>;
  /** Speaks with another controller from here on: the same one, after its death. */
  attach: (next: Lab) => void;
}

/** Joins, and serves a first certificate. */
export async function joinFleet(first: Lab, name: string, address = SERVER): Promise<FleetHost> {
  let lab = first;
  const joined: LabHost = await joinHost(lab, { name, address });
  let identity = joined.enrolled.certificate.serial;
  let serving = '';
  /** What it holds: DER. */
  let roots = lab.authorities.roots;
  let admitted: readonly Buffer[] = [];

  const checkIn = async () => {
    const exporter = report({
      servingSerial: Buffer.from(serving, 'hex'),
      scrapersDigest: serving === '' ? Buffer.alloc(0) : certificatesDigest(admitted),
    });
    return lab.checkIn({
      host: await hostRow(lab, name),
      request: { agentVersion: '0.1.0', rootsDigest: certificatesDigest(roots), exporters: [exporter] },
      address,
      identitySerial: identity,
    });
  };

  const host: FleetHost = {
    name,
    attach: (next) => void (lab = next),
    async pass() {
      const { exporters, renewIdentity } = await checkIn();
      roots = lab.authorities.roots;
      const trusted = lab.authorities.trusted('scraper');
      if (renewIdentity) {
        const { publicKey } = await newKey();
        ({ serial: identity } = await lab.certificates.identity(await hostRow(lab, name), publicKey, address));
      }
      const stale = !certificatesDigest(trusted).equals(certificatesDigest(admitted));
      if (serving === '' || stale || exporters[0]?.renew === true) {
        const { publicKey } = await newKey();
        ({ serial: serving } = await lab.certificates.exporter(await hostRow(lab, name), 'node', publicKey, address));
        admitted = trusted;
      }
      await checkIn();
    },
  };
  await host.pass();
  return host;
}
