import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const openssl = async (...args: string[]) => void (await promisify(execFile)('openssl', args));

/** Paths of two PEM files. */
export interface Identity {
  cert: string;
  key: string;
}

export interface LeafOptions {
  /** As OpenSSL writes them: `IP:127.0.0.1`, `DNS:host.example`, `URI:spiffe://…`. */
  sans?: readonly string[];
  usage?: 'serverAuth' | 'clientAuth' | 'serverAuth,clientAuth';
  /** An hour ago unless given. */
  notBefore?: Date;
  /** Tomorrow unless given. */
  notAfter?: Date;
}

/** A throwaway authority of OpenSSL's making, for what ours would never sign. */
export interface Authority {
  /** Path of its certificate. */
  cert: string;
  issue(name: string, options?: LeafOptions): Promise<Identity>;
}

/** A new self-signed authority with an ECDSA P-256 key; everything is under `folder/NAME`. */
export async function createAuthority(folder: string, name: string): Promise<Authority> {
  const home = join(folder, name);
  const at = (file: string) => join(home, file);
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(at('index'), '');
  await writeFile(at('ca.cnf'), configuration(home));
  await newKey(at('ca-key.pem'));
  const self = ['-x509', '-new', '-config', at('ca.cnf'), '-extensions', 'authority', '-days', '30'];
  await openssl('req', ...self, '-subj', `/CN=${name}`, '-key', at('ca-key.pem'), '-out', at('ca.pem'));
  return {
    cert: at('ca.pem'),
    async issue(leaf, { sans = [], usage = 'serverAuth,clientAuth', notBefore, notAfter } = {}) {
      const [cert, key, csr, extensions] = ['.pem', '-key.pem', '.csr', '.ext'].map((ending) =>
        at(`${leaf}${ending}`),
      ) as [string, string, string, string];
      await newKey(key);
      await openssl('req', '-new', '-config', at('ca.cnf'), '-subj', `/CN=${leaf}`, '-key', key, '-out', csr);
      const names = sans.length === 0 ? '' : `subjectAltName=${sans.join(',')}\n`;
      await writeFile(extensions, `basicConstraints=critical,CA:FALSE\nextendedKeyUsage=${usage}\n${names}`);
      const dates = ['-startdate', stamp(notBefore, -3_600_000), '-enddate', stamp(notAfter, 86_400_000)];
      await openssl(
        'ca',
        '-batch',
        '-notext',
        '-config',
        at('ca.cnf'),
        ...dates,
        '-extfile',
        extensions,
        '-in',
        csr,
        '-out',
        cert,
      );
      return { cert, key };
    },
  };
}

async function newKey(path: string): Promise<void> {
  await openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', path);
}

/** `YYYYMMDDHHMMSSZ`. */
function stamp(date: Date | undefined, fromNowMs: number): string {
  const iso = (date ?? new Date(Date.now() + fromNowMs)).toISOString();
  return `${iso.slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
}

function configuration(home: string): string {
  return `
[ca]
default_ca = authority_home
[authority_home]
database = ${home}/index
new_certs_dir = ${home}
certificate = ${home}/ca.pem
private_key = ${home}/ca-key.pem
default_md = sha256
rand_serial = yes
unique_subject = no
policy = any_name
[any_name]
commonName = supplied
[req]
distinguished_name = none
[none]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
`;
}
