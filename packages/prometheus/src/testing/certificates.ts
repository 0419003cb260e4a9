import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProbeCredentials } from '../probe-options.ts';
import { normaliseSerial } from '../serial.ts';

type Purpose = 'serverAuth' | 'clientAuth';

export interface TestCertificate extends ProbeCredentials {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly serial: string;
}

export interface TestAuthority extends TestCertificate {
  /** With its root: what Node.js's own server needs to accept a client. */
  readonly chain: string;
  issue(leaf: { san?: string; purpose?: Purpose; commonName?: string; expired?: boolean }): TestCertificate;
}

/** Authorities and leaves made by the openssl command, so that the product's own issuing cannot hide a mistake. */
export class TestAuthorities {
  readonly #folder = mkdtempSync(join(tmpdir(), 'torchpass-prometheus-'));
  #count = 0;

  /** An issuing authority under a root that nobody gets to see, as Torchpass has them. */
  make(purpose: Purpose): TestAuthority {
    const root = this.#certify('root', 'basicConstraints=critical,CA:true\nkeyUsage=keyCertSign');
    const constraints = `basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=keyCertSign\nextendedKeyUsage=${purpose}`;
    const self = this.#certify('authority', constraints, root);
    return {
      ...self.pem(),
      chain: self.pem().certificate + root.pem().certificate,
      issue: ({ san, purpose: other = purpose, commonName = 'leaf', expired = false }) => {
        const names = san === undefined ? '' : `\nsubjectAltName=${san}`;
        return this.#certify(commonName, `extendedKeyUsage=${other}${names}`, self, expired).pem();
      },
    };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #certify(commonName: string, extensions: string, issuer?: Certified, expired = false): Certified {
    const folder = join(this.#folder, String((this.#count += 1)));
    mkdirSync(folder);
    const made = new Certified(folder);
    const file = (name: string, text: string) => writeFileSync(join(folder, name), text);
    const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
    file('index', '');
    run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', made.keyFile);
    run('req', '-new', '-key', made.keyFile, '-subj', `/CN=${commonName}`, '-out', 'csr.pem');
    const config =
      '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\npolicy=p\n[p]\ncommonName=supplied\n';
    const [from, to] = expired ? ['20200101000000Z', '20200201000000Z'] : ['20200101000000Z', '20490101000000Z'];
    file('ca.cnf', config);
    file('ext.cnf', extensions);
    run(
      ...'ca -batch -notext -config ca.cnf -extfile ext.cnf -md sha256 -in csr.pem'.split(' '),
      ...`-startdate ${from} -enddate ${to} -out ${made.certificateFile}`.split(' '),
      ...(issuer === undefined
        ? ['-selfsign', '-keyfile', made.keyFile]
        : ['-cert', issuer.certificateFile, '-keyfile', issuer.keyFile]),
    );
    return made;
  }
}

class Certified {
  readonly certificateFile: string;
  readonly keyFile: string;

  constructor(folder: string) {
    this.certificateFile = join(folder, 'certificate.pem');
    this.keyFile = join(folder, 'key.pem');
  }

  pem(): TestCertificate {
    const certificate = readFileSync(this.certificateFile, 'utf8');
    const serial = normaliseSerial(new X509Certificate(certificate).serialNumber);
    const { certificateFile, keyFile } = this;
    return { certificate, key: readFileSync(keyFile, 'utf8'), serial, certificateFile, keyFile };
  }
}
